-- One sending: a registration that leaves for one or more recipients, or a notice of Annex 6 about one.
create table sendings (
  id text primary key,
  body text not null,
  registration_id text references registrations (id),
  text text not null,
  notice_name text,
  notice_xml text,
  created_by text not null,
  created_at bigint not null
);
create index sendings_of_registration on sendings (registration_id);
--! append-only sendings

-- One recipient of a sending. State columns are a summary of the facts below, kept for lists.
create table deliveries (
  id text primary key,
  sending_id text not null references sendings (id),
  body text not null,
  registration_id text references registrations (id),
  position bigint not null,
  channel text not null check (channel in ('hub', 'pec', 'email')),
  recipient_name text not null,
  address text not null,
  recipient_body text,
  confirmation_asked bigint not null check (confirmation_asked in (0, 1)),
  created_at bigint not null,
  state text not null,
  exchange_state text not null,
  proposal text,
  reminders bigint not null default 0,
  changed_at bigint not null
);
create index deliveries_of_sending on deliveries (sending_id, position);
create index deliveries_of_registration on deliveries (registration_id, position);
create index deliveries_by_state on deliveries (body, state, changed_at);
create index deliveries_by_time on deliveries (body, created_at, id);
--! immutable deliveries: id, sending_id, body, registration_id, position, channel, recipient_name, address, recipient_body, confirmation_asked, created_at

-- What is known about a delivery; never changed, never repeated: the state is computed from this set.
create table delivery_facts (
  delivery_id text not null references deliveries (id),
  attempt bigint not null,
  event text not null,
  at bigint not null,
  evidence text,
  verdict text,
  note text,
  learned_at bigint not null,
  primary key (delivery_id, attempt, event, at)
);
--! append-only delivery_facts

-- What the other body's register answered.
create table delivery_answers (
  delivery_id text not null references deliveries (id),
  answer text not null,
  at bigint not null,
  own_identifier text,
  reason text,
  evidence text,
  learned_at bigint not null,
  primary key (delivery_id, answer, at)
);
--! append-only delivery_answers
