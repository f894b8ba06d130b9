-- Scans of papers that wait for a clerk; what was refused stays to be seen, without its bytes.
create table scans (
  id text primary key,
  body text not null,
  source text not null check (source in ('folder', 'upload')),
  name text not null,
  sha256 text,
  media_type text not null,
  size bigint not null,
  pages bigint,
  flags text not null,
  arrived_at bigint not null,
  arrived_by text not null,
  state text not null check (state in ('waiting', 'refused', 'registered', 'discarded')),
  registration_id text references registrations (id),
  handled_at bigint,
  handled_by text,
  reason text
);
create index scans_by_state on scans (body, state, arrived_at, id);
create unique index scans_waiting_once on scans (body, sha256) where state = 'waiting';
--! immutable scans: id, body, source, name, sha256, media_type, size, pages, flags, arrived_at, arrived_by

-- Who attested that a file conforms to the paper it was made from, in which words (D.Lgs. 82/2005, art. 22).
create table attestations (
  document_id text primary key references documents (id),
  registration_id text not null references registrations (id),
  statement text not null,
  norm text not null,
  by_account text not null,
  by_name text not null,
  attested_at bigint not null
);
create index attestations_by_registration on attestations (registration_id);
--! append-only attestations
