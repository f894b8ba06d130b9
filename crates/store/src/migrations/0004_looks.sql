-- Who looked at personal data, for which purpose: one row per look, and one
-- per object or person it showed. Each look is also a leaf of the journal.
create table looks (
  id text primary key,
  at bigint not null,
  body text not null,
  actor text not null,
  unit_id text,
  purpose text not null,
  norm text,
  case_id text
);
create index looks_by_actor on looks (body, actor, at);
--! append-only looks

create table look_subjects (
  look_id text not null references looks (id),
  subject text not null,
  primary key (look_id, subject)
);
create index look_subjects_by_subject on look_subjects (subject);
--! append-only look_subjects
