-- One row per thing that can be found. `id` is its time in UTC microseconds
-- (moved on where two fall together), so that newest first is the order of the
-- key; `scope` holds the tokens of who may find it, `words` the words, folded.
create table search_docs (
  id bigint primary key,
  object text not null unique,
  body text not null,
  scope text not null,
  words text not null
);
