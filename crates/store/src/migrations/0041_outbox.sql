-- All that leaves is a row here first. The Message-ID is chosen with the row, before any server is spoken to.
create table outbox (
  id text primary key,
  body text not null,
  delivery_id text not null references deliveries (id),
  attempt bigint not null,
  channel text not null,
  message_id text not null unique,
  state text not null check (state in ('waiting', 'leaving', 'gone', 'stuck', 'withdrawn')),
  due_at bigint not null,
  lease_until bigint,
  tries bigint not null default 0,
  last_error text,
  raw_sha256 text,
  created_at bigint not null,
  unique (delivery_id, attempt)
);
create index outbox_by_due on outbox (state, due_at);
create index outbox_of_body on outbox (body, state, due_at);
--! immutable outbox: id, body, delivery_id, attempt, channel, message_id, created_at
