-- Raw messages first: bytes by fingerprint in the blobs, known before the mailbox is told.
create table inbound (
  id text primary key,
  body text not null,
  channel text not null check (channel in ('hub', 'pec', 'email')),
  mailbox text not null,
  raw_sha256 text not null,
  size bigint not null,
  arrived_at bigint not null,
  kind text not null,
  state text not null check (state in ('waiting', 'registered', 'attached', 'discarded', 'quarantined', 'unreadable')),
  message_id text,
  sender_address text not null,
  sender_name text not null,
  subject text not null,
  legal_at bigint,
  verdict text,
  details text not null,
  registration_id text,
  delivery_id text,
  handled_by text,
  handled_at bigint,
  reason text,
  unique (body, raw_sha256)
);
create index inbound_by_state on inbound (body, state, arrived_at, id);
--! immutable inbound: id, body, channel, mailbox, raw_sha256, size, arrived_at, kind, message_id, sender_address, sender_name, subject, legal_at, verdict, details

-- Messages of other registers: the same registration of the same sender is answered as the first time.
create table peer_messages (
  body text not null,
  administration text not null,
  aoo text not null,
  register text not null,
  number text not null,
  date text not null,
  segnatura_sha256 text not null,
  inbound_id text not null references inbound (id),
  primary key (body, administration, aoo, register, number, date)
);
--! append-only peer_messages
