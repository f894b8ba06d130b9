-- Dossiers (CAD art. 41). `number` counts inside body, year and class; parts of a dossier count inside the whole.
create table dossiers (
  id text primary key,
  body text not null,
  year bigint not null,
  class_code text not null,
  code text not null,
  parent text references dossiers (id),
  kind text not null,
  subject text not null check (subject <> ''),
  folded text not null,
  confidentiality text not null,
  state text not null,
  unit_id text,
  officer text,
  officer_name text,
  opened_at bigint not null,
  closed_at bigint,
  unique (body, code)
);
create index dossiers_by_time on dossiers (body, opened_at);
create index dossiers_by_class on dossiers (body, class_code, opened_at);
create index dossiers_of_whole on dossiers (parent);
--! immutable dossiers: id, body, year, class_code, code, parent, kind, opened_at

create table dossier_counters (
  scope text primary key,
  last bigint not null
);

-- Persons named one by one for what is confidential.
create table dossier_readers (
  dossier_id text not null references dossiers (id),
  account text not null,
  name text not null,
  added_by text not null,
  added_at bigint not null,
  primary key (dossier_id, account)
);

-- To whom a dossier was given, to act or to know; an assignment ends, it is never erased.
create table dossier_assignments (
  id text primary key,
  dossier_id text not null references dossiers (id),
  kind text not null check (kind in ('competence', 'information')),
  unit_id text,
  account text,
  assigned_by text not null,
  assigned_at bigint not null,
  note text,
  taken_by text,
  taken_at bigint,
  ended_by text,
  ended_at bigint,
  end_reason text,
  check (unit_id is not null or account is not null)
);
create index dossier_assignments_of_dossier on dossier_assignments (dossier_id, assigned_at);
create index dossier_assignments_of_unit on dossier_assignments (unit_id, ended_at);
create index dossier_assignments_of_account on dossier_assignments (account, ended_at);
--! immutable dossier_assignments: id, dossier_id, kind, unit_id, account, assigned_by, assigned_at, note

-- With which other body a dossier (or a part of one) is shared; a sharing ends, it is never erased.
create table dossier_shares (
  dossier_id text not null references dossiers (id),
  with_body text not null,
  position bigint not null,
  reason text not null,
  shared_by text not null,
  shared_at bigint not null,
  ended_by text,
  ended_at bigint,
  primary key (dossier_id, with_body, position)
);
create index dossier_shares_with on dossier_shares (with_body, ended_at);
--! immutable dossier_shares: dossier_id, with_body, position, reason, shared_by, shared_at

-- What happened to dossiers and cases, as people read it; the proof of each change is in the journal.
create table timeline (
  object text not null,
  position bigint not null,
  at bigint not null,
  actor text not null,
  actor_name text not null,
  kind text not null,
  about text,
  note text,
  primary key (object, position)
);
--! append-only timeline
