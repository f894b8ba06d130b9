-- Templates of letters that a body writes for itself: every saving is a new version, the highest is in force; a version
-- that is retired is offered no more, and stays readable.
create table letter_templates (
  id text not null,
  version bigint not null,
  body text not null,
  title text not null,
  content text not null,
  retired bigint not null check (retired in (0, 1)),
  saved_by text not null,
  saved_by_name text not null,
  saved_at bigint not null,
  primary key (id, version)
);
create index letter_templates_of_body on letter_templates (body, id, version);
--! append-only letter_templates
