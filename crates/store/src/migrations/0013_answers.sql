-- Answers already given to a request that may be repeated. The row is written by the commit that does the
-- work, so a repeated request is never done twice; the answer follows.
create table answers (
  account text not null,
  key text not null,
  route text not null,
  claimed_at bigint not null,
  fingerprint bytea,
  status bigint,
  headers text,
  answer bytea,
  primary key (account, key, route)
);
create index answers_by_age on answers (claimed_at);
