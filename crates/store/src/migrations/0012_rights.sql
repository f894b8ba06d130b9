-- A change of rights is a request that another person approves; the row stays as its history.
create table rights_changes (
  id text primary key,
  body text not null,
  account text not null references accounts (id),
  kind text not null check (kind in ('grant', 'move', 'suspend', 'restore', 'remove', 'recover')),
  detail text not null,
  asked_by text not null,
  asked_at bigint not null,
  state text not null check (state in ('pending', 'approved', 'refused')),
  decided_by text,
  decided_at bigint,
  check (decided_by is null or decided_by <> asked_by)
);
create index rights_changes_of_body on rights_changes (body, state, asked_at);
--! immutable rights_changes: id, body, account, kind, detail, asked_by, asked_at
