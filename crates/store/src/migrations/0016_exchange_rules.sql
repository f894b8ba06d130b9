-- Messages whose sender annulled the entry that they carry, told before anybody registered them.
create table sender_annulments (
  inbound_id text primary key,
  reason text not null,
  at bigint not null
);
--! append-only sender_annulments

-- What a body chose about its exchange; without a row the configuration file decides.
create table exchange_rules (
  body text primary key,
  automatic bigint not null check (automatic in (0, 1)),
  changed_by text not null,
  changed_at bigint not null
);
