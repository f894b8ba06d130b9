-- Public bodies. A body is never renamed in place: its names are dated rows,
-- and what it left to others is a succession.
create table bodies (
  ipa_code text primary key,
  tax_code text,
  kind text not null,
  digital_domicile text,
  inside bigint not null,
  valid_from text not null,
  valid_to text
);
create table body_names (
  body text not null references bodies (ipa_code),
  since text not null,
  name text not null,
  folded text not null,
  primary key (body, since)
);
create table aoos (
  body text not null references bodies (ipa_code),
  code text not null,
  name text not null,
  digital_domicile text,
  position bigint not null,
  primary key (body, code)
);
create table registers (
  body text not null,
  aoo text not null,
  code text not null,
  name text not null,
  position bigint not null,
  primary key (body, aoo, code),
  foreign key (body, aoo) references aoos (body, code)
);
create table units (
  id text primary key,
  body text not null,
  aoo text not null,
  code text not null,
  name text not null,
  parent text references units (id),
  active bigint not null,
  unique (body, code),
  foreign key (body, aoo) references aoos (body, code)
);

-- Who took over from whom, wholly (`function` empty) or for one function.
create table successions (
  source text not null references bodies (ipa_code),
  heir text not null references bodies (ipa_code),
  since text not null,
  law text not null,
  function text not null,
  archives bigint not null,
  primary key (source, heir, function)
);

-- Which body does a function, where (`municipality` empty: everywhere) and when.
create table competences (
  function text not null,
  municipality text not null,
  body text not null references bodies (ipa_code),
  since text not null,
  until text,
  law text not null,
  primary key (function, municipality, since)
);
