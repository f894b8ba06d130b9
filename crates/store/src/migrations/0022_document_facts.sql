-- What was found out about a file when it came in (flags by content), and where
-- the extraction of its text stands: waiting, done, none (nothing to read), failed.
create table document_facts (
  document_id text primary key references documents (id),
  body text not null,
  registration_id text not null references registrations (id),
  flags text not null,
  pages bigint,
  text_state text not null check (text_state in ('waiting', 'done', 'none', 'failed')),
  attempts bigint not null
);
create index document_facts_of_registration on document_facts (registration_id);
create index document_facts_waiting on document_facts (text_state, attempts, document_id)
  where text_state = 'waiting';
