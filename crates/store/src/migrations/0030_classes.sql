-- Classes of the scheme of each body, in the order of its act; a class that leaves the scheme stays for the
-- documents that have it (`active` 0).
create table classes (
  body text not null,
  code text not null,
  name text not null,
  position bigint not null,
  active bigint not null check (active in (0, 1)),
  primary key (body, code)
);
