-- Who stands in for whom, from a day to a day (both included).
create table absences (
  account text not null references accounts (id),
  deputy text not null references accounts (id),
  body text not null,
  from_day text not null,
  to_day text not null,
  primary key (account, deputy, body, from_day)
);
create index absences_of_deputy on absences (deputy, to_day);

-- Codes for who lost the second factor: each works once; only digests.
create table recovery_codes (
  account text not null references accounts (id),
  hash bytea not null,
  used_at bigint,
  primary key (account, hash)
);

create table passkeys (
  id text primary key,
  account text not null references accounts (id),
  label text not null,
  credential text not null,
  created_at bigint not null,
  used_at bigint
);
create index passkeys_of_account on passkeys (account);

-- Links by which a person sets the first password, or a new one after two people agreed; only digests.
create table invitations (
  hash bytea primary key,
  account text not null references accounts (id),
  purpose text not null check (purpose in ('invite', 'recover')),
  made_at bigint not null,
  made_by text not null,
  ends_at bigint not null,
  used_at bigint
);
create index invitations_of_account on invitations (account);

-- Secrets by which a program asks for bearer tokens (OAuth 2.0 client credentials); only digests.
create table clients (
  id text primary key,
  hash bytea not null,
  account text not null references accounts (id),
  body text not null,
  label text not null,
  made_at bigint not null,
  made_by text not null,
  revoked_at bigint
);
create index clients_of_body on clients (body, made_at);
