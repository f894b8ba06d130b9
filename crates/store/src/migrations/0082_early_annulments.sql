-- Notices that another register annulled an entry which has not come here yet, or whose confirmation has not: the
-- roads keep no order. They are applied when it comes.
create table early_annulments (
  inbound_id text primary key references inbound (id),
  body text not null,
  administration text not null,
  aoo text not null,
  register text not null,
  number text not null,
  date text not null,
  reason text not null,
  act text not null
);
create index early_annulments_by_entry on early_annulments (body, administration, aoo, register, number, date);
--! append-only early_annulments
