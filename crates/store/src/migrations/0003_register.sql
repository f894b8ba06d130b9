-- Documents: bytes are in the blobs of the body, by fingerprint; here is what they are called and what they are.
create table documents (
  id text primary key,
  body text not null,
  sha256 text not null,
  size bigint not null,
  media_type text not null,
  name text not null,
  created_at bigint not null,
  created_by text not null
);
create index documents_by_fingerprint on documents (body, sha256);
--! immutable documents: id, body, sha256, size, created_at, created_by

-- Register entries (TUDA art. 53). What is written at the number never changes;
-- the columns in force (`..._now`, `correspondents_version`) follow the corrections.
create table registrations (
  id text primary key,
  body text not null,
  aoo text not null,
  register text not null,
  year bigint not null,
  number bigint not null,
  registered_at bigint not null,
  registered_by text not null,
  direction text not null check (direction in ('incoming', 'outgoing', 'internal')),
  subject text not null check (subject <> ''),
  sender_reference text,
  received_at bigint,
  confidential bigint not null check (confidential in (0, 1)),
  imported bigint not null check (imported in (0, 1)),
  classification text,
  case_id text,
  dossier_id text,
  subject_now text,
  sender_reference_now text,
  correspondents_version bigint not null default 0,
  unique (body, aoo, register, year, number),
  check (number > 0)
);
create index registrations_by_time on registrations (body, registered_at, number);
create index registrations_by_dossier on registrations (dossier_id);
create index registrations_by_case on registrations (case_id);
--! immutable registrations: id, body, aoo, register, year, number, registered_at, registered_by, direction, subject, sender_reference, received_at, imported

-- Senders or recipients as they were when used; version 0 is the original, each correction adds one.
create table correspondents (
  registration_id text not null references registrations (id),
  version bigint not null,
  position bigint not null,
  kind text not null,
  name text not null,
  tax_code text,
  digital_domicile text,
  body text,
  primary key (registration_id, version, position)
);
create index correspondents_by_tax_code on correspondents (tax_code);
--! append-only correspondents

-- The files of an entry with their fingerprints: position 0 is the main one.
create table registration_files (
  registration_id text not null references registrations (id),
  position bigint not null,
  document_id text not null references documents (id),
  primary key (registration_id, position)
);
create index registration_files_by_document on registration_files (document_id);
--! append-only registration_files

-- Single data cancelled and replaced; both values stay readable (TUDA art. 54).
create table corrections (
  registration_id text not null references registrations (id),
  position bigint not null,
  field text not null check (field in ('subject', 'correspondents', 'sender_reference')),
  old_value text,
  new_value text,
  reason text not null,
  order_reference text not null,
  account text not null,
  account_name text not null,
  at bigint not null,
  primary key (registration_id, position)
);
--! append-only corrections

-- Whole entries declared void; once, for ever.
create table annulments (
  registration_id text primary key references registrations (id),
  reason text not null,
  order_reference text not null,
  account text not null,
  account_name text not null,
  at bigint not null
);
--! append-only annulments

-- Every class an entry ever had; the one in force is also in the entry.
create table classifications (
  registration_id text not null references registrations (id),
  position bigint not null,
  class_code text not null,
  account text not null,
  at bigint not null,
  primary key (registration_id, position)
);
--! append-only classifications

-- To whom an entry was given, to act or to know; an assignment ends, it is never erased.
create table assignments (
  id text primary key,
  registration_id text not null references registrations (id),
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
create index assignments_by_registration on assignments (registration_id, assigned_at);
create index assignments_of_unit on assignments (unit_id, ended_at);
create index assignments_of_account on assignments (account, ended_at);
--! immutable assignments: id, registration_id, kind, unit_id, account, assigned_by, assigned_at, note
