-- Cases: one run of a procedure, in one dossier, under the version of the procedure it was born with.
create table cases (
  id text primary key,
  body text not null,
  dossier_id text not null references dossiers (id),
  procedure_key text not null,
  procedure_version bigint not null,
  title text not null check (title <> ''),
  state text not null check (state in ('open', 'waiting', 'closed')),
  unit_id text,
  officer text,
  officer_name text,
  due_on text,
  opened_at bigint not null,
  closed_at bigint
);
create index cases_of_dossier on cases (dossier_id);
create index cases_of_officer on cases (body, officer, state);
create index cases_of_unit on cases (body, unit_id, state);
--! immutable cases: id, body, dossier_id, procedure_key, procedure_version, opened_at

create table case_participants (
  case_id text not null references cases (id),
  position bigint not null,
  role text not null,
  kind text not null,
  name text not null,
  digital_domicile text,
  primary key (case_id, position)
);
