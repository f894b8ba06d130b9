-- The truth about changes: one append-only chain per body. `leaf` counts from
-- 0 without gaps inside a body, `leaf_hash` covers the entry and the hash of
-- the one before it (see journal.rs).
create table journal (
  body text not null,
  leaf bigint not null,
  at bigint not null,
  actor text not null,
  on_behalf_of text,
  verb text not null,
  subject text not null,
  case_id text,
  norm text,
  state_digest bytea not null,
  leaf_hash bytea not null,
  primary key (body, leaf)
);
create index journal_by_subject on journal (body, subject, leaf);
--! append-only journal

-- The salt of each state digest, beside the chain: deleting it makes the digest
-- unlinkable to any person without touching a row of the chain.
create table journal_salts (
  body text not null,
  leaf bigint not null,
  salt bytea not null,
  primary key (body, leaf)
);
