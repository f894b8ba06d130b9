-- Ways into the register that lists use: by number whatever the area, by class,
-- and cancelled entries by time.
create index registrations_by_number on registrations (body, year, number);
create index registrations_by_class on registrations (body, classification, registered_at);
create index annulments_by_time on annulments (at);

-- Named sets of filters, of a person or of a whole office.
create table saved_views (
  id text primary key,
  body text not null,
  account text not null,
  unit_id text,
  name text not null,
  query text not null,
  created_at bigint not null
);
create index saved_views_of_account on saved_views (body, account);
create index saved_views_of_unit on saved_views (body, unit_id);
