-- Daily registers (LG 3.1.6): one row per day and register, in static form as XML and PDF, chained by the
-- fingerprint of the XML of the day before.
create table daily_registers (
  body text not null,
  aoo text not null,
  register text not null,
  day text not null,
  entries bigint not null,
  first_number bigint,
  last_number bigint,
  annulled bigint not null,
  changed bigint not null,
  emergency bigint not null,
  previous_sha256 text,
  xml_sha256 text not null,
  pdf_sha256 text not null,
  closed_at bigint not null,
  primary key (body, aoo, register, day)
);
--! append-only daily_registers

-- Periods of the emergency register (TUDA art. 63): the restoration is written once, when the system works again.
create table emergency_periods (
  id text primary key,
  body text not null,
  aoo text not null,
  code text not null,
  cause text not null,
  started_at bigint not null,
  restored_at bigint,
  opened_by text not null,
  opened_at bigint not null,
  unique (body, aoo, code)
);
--! immutable emergency_periods: id, body, aoo, code, cause, started_at, opened_by, opened_at

-- Authorisations of a period: the first, and one for each further week.
create table emergency_authorisations (
  period_id text not null references emergency_periods (id),
  position bigint not null,
  reference text not null,
  valid_until bigint not null,
  authorised_by text not null,
  authorised_at bigint not null,
  primary key (period_id, position)
);
--! append-only emergency_authorisations

-- Entries made by hand, each linked for ever to its ordinary number.
create table emergency_entries (
  period_id text not null references emergency_periods (id),
  number bigint not null,
  registration_id text not null unique references registrations (id),
  entered_at bigint not null,
  row_digest text not null,
  imported_at bigint not null,
  primary key (period_id, number)
);
create index emergency_entries_by_time on emergency_entries (entered_at);
--! append-only emergency_entries

-- Papers made at the first request and kept: receipts and the like.
create table papers (
  registration_id text not null references registrations (id),
  kind text not null,
  sha256 text not null,
  made_at bigint not null,
  primary key (registration_id, kind)
);
--! append-only papers
