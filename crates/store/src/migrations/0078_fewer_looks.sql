-- What still waits for the check of its signatures is told by the document itself, so that finding it costs nothing
-- however many documents there are; a file that cannot bear a signature never waits.
alter table documents add column signature_state text check (signature_state = 'waiting');
update documents set signature_state = 'waiting'
  where not exists (select 1 from verifications v where v.document_id = documents.id);
create index documents_unchecked on documents (id) where signature_state = 'waiting';
drop index verifications_by_verdict;
-- An entry is found by its number through the counters of its body and the unique index.
drop index registrations_by_number;
