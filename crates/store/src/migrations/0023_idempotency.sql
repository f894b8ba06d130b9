-- Keys under which a repeated request gets the answer of the first one. The
-- digest tells a repetition from another request under the same key.
create table idempotency (
  account text not null,
  key text not null,
  digest bytea not null,
  answer text not null,
  at bigint not null,
  primary key (account, key)
);
create index idempotency_by_time on idempotency (at);
