-- Accounts of people, the posts (body, office, role) they hold, their sessions and the tokens of programs.
create table accounts (
  id text primary key,
  username text not null unique,
  name text not null,
  body text not null,
  email text,
  password_hash text,
  state text not null,
  created_at bigint not null,
  failures bigint not null default 0,
  locked_until bigint not null default 0,
  totp_secret bytea,
  totp_last_step bigint not null default 0
);
create index accounts_by_body on accounts (body, username);

create table posts (
  account text not null references accounts (id),
  body text not null,
  unit_id text not null default '',
  role text not null,
  primary key (account, body, unit_id, role)
);
create index posts_by_body on posts (body, role);

create table sessions (
  token_hash bytea primary key,
  id text not null unique,
  account text not null references accounts (id),
  body text not null,
  unit_id text,
  csrf text not null,
  agent text not null,
  strong bigint not null,
  created_at bigint not null,
  seen_at bigint not null,
  ends_at bigint not null
);
create index sessions_by_account on sessions (account);

create table tokens (
  token_hash bytea primary key,
  id text not null unique,
  account text not null references accounts (id),
  body text not null,
  unit_id text,
  label text not null,
  created_at bigint not null,
  ends_at bigint not null
);
create index tokens_by_account on tokens (account);
