-- Things somebody has to do that are not assignments: a delivery that failed, a rule that could not be applied.
-- `once` keeps a cause from making two tasks.
create table tasks (
  id text primary key,
  body text not null,
  once text not null,
  unit_id text,
  account text,
  kind text not null,
  about text not null,
  href text not null,
  proposal text,
  case_id text,
  due_on text,
  created_at bigint not null,
  done_at bigint,
  done_by text,
  unique (body, once),
  check (unit_id is not null or account is not null)
);
create index tasks_of_account on tasks (account, done_at);
create index tasks_of_unit on tasks (unit_id, done_at);

-- What each person has already opened, so that the rest counts as unread.
create table seen (
  account text not null,
  object text not null,
  at bigint not null,
  primary key (account, object)
);

-- Drafts: not yet acts, so outside the journal; one per person and thing.
create table drafts (
  id text primary key,
  body text not null,
  account text not null,
  kind text not null,
  object text not null,
  content text not null,
  saved_at bigint not null,
  unique (account, kind, object)
);
