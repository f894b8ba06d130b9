-- Gap-free numbers: the last one given per body, AOO, register and year, taken
-- in the same transaction as the entry that bears it (TUDA arts. 53 and 57).
create table counters (
  body text not null,
  aoo text not null,
  register text not null,
  year bigint not null,
  last bigint not null,
  last_at bigint not null,
  primary key (body, aoo, register, year)
);
