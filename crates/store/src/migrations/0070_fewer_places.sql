-- A registration writes to as few places as it can: what was found out about a file stands in the row of the
-- document, a document holds its own bytes, and an index knows only the rows that have something to be found by.
alter table documents add column flags text;
alter table documents add column pages bigint;
alter table documents add column text_state text check (text_state in ('waiting', 'done', 'none', 'failed'));
alter table documents add column text_reason text;
alter table documents add column attempts bigint not null default 0;
update documents set
  flags = (select f.flags from document_facts f where f.document_id = documents.id),
  pages = (select f.pages from document_facts f where f.document_id = documents.id),
  text_state = (select f.text_state from document_facts f where f.document_id = documents.id),
  text_reason = (select f.text_reason from document_facts f where f.document_id = documents.id),
  attempts = coalesce((select f.attempts from document_facts f where f.document_id = documents.id), 0);
drop table document_facts;
create index documents_waiting on documents (attempts, id) where text_state = 'waiting';

delete from blob_holders where exists (
  select 1 from documents d where d.id = blob_holders.holder and d.body = blob_holders.body
    and d.sha256 = blob_holders.sha256);

drop index registrations_by_dossier;
create index registrations_by_dossier on registrations (dossier_id) where dossier_id is not null;
drop index registrations_by_case;
create index registrations_by_case on registrations (case_id) where case_id is not null;
drop index registrations_by_class;
create index registrations_by_class on registrations (body, classification, registered_at)
  where classification is not null;
drop index correspondents_by_tax_code;

-- The full text index of SQLite takes new rows in many at a time, since each commit costs it some pages: until then
-- they stand here and every search looks through them too. (PostgreSQL keeps such a list by itself.)
create table search_unfolded (
  id bigint primary key
);
