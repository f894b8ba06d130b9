-- One data key per body, wrapped under a master key of the key file: a new
-- master key means wrapping these few rows again, never touching the bytes.
create table body_keys (
  id text primary key,
  body text not null unique,
  master text not null,
  wrapped bytea not null,
  created_at bigint not null
);

-- Bytes of documents, by fingerprint within a body, each under a key of its
-- own that is wrapped under the key of the body: deleting the row makes the
-- bytes unreadable wherever a copy survives. Small ones are here, large ones
-- in the file `place` below the folder of the blobs.
create table blobs (
  body text not null,
  sha256 text not null,
  size bigint not null,
  key_id text not null references body_keys (id),
  wrapped bytea not null,
  created_at bigint not null,
  place text,
  bytes bytea,
  primary key (body, sha256),
  check ((place is null) <> (bytes is null))
);
--! unchanging blobs: body, sha256, size, key_id, wrapped, created_at, place, bytes

-- Who needs the bytes: while there is a holder they are never deleted.
create table blob_holders (
  body text not null,
  sha256 text not null,
  holder text not null,
  primary key (body, sha256, holder),
  foreign key (body, sha256) references blobs (body, sha256)
);
