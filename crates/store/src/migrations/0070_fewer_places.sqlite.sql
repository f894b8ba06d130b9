-- Rows that lie in the order of their key need no index beside them.
create table correspondents_new (
  registration_id text not null references registrations (id),
  version integer not null,
  position integer not null,
  kind text not null,
  name text not null,
  tax_code text,
  digital_domicile text,
  body text,
  primary key (registration_id, version, position)
) strict, without rowid;
insert into correspondents_new select registration_id, version, position, kind, name, tax_code, digital_domicile, body
  from correspondents;
drop table correspondents;
alter table correspondents_new rename to correspondents;
create index correspondents_by_tax_code on correspondents (tax_code) where tax_code is not null;
--! append-only correspondents

create table registration_files_new (
  registration_id text not null references registrations (id),
  position integer not null,
  document_id text not null references documents (id),
  primary key (registration_id, position)
) strict, without rowid;
insert into registration_files_new select registration_id, position, document_id from registration_files;
drop table registration_files;
alter table registration_files_new rename to registration_files;
create index registration_files_by_document on registration_files (document_id);
--! append-only registration_files

create table journal_new (
  body text not null,
  leaf integer not null,
  at integer not null,
  actor text not null,
  on_behalf_of text,
  verb text not null,
  subject text not null,
  case_id text,
  norm text,
  state_digest blob not null,
  leaf_hash blob not null,
  primary key (body, leaf)
) strict, without rowid;
insert into journal_new select body, leaf, at, actor, on_behalf_of, verb, subject, case_id, norm, state_digest,
  leaf_hash from journal;
drop table journal;
alter table journal_new rename to journal;
create index journal_by_subject on journal (body, subject, leaf);
--! append-only journal

create table journal_salts_new (
  body text not null,
  leaf integer not null,
  salt blob not null,
  primary key (body, leaf)
) strict, without rowid;
insert into journal_salts_new select body, leaf, salt from journal_salts;
drop table journal_salts;
alter table journal_salts_new rename to journal_salts;

drop trigger search_docs_added;
create trigger search_docs_added after insert on search_docs begin
  insert or ignore into search_unfolded (id) values (new.id);
end;
drop trigger search_docs_removed;
create trigger search_docs_removed after delete on search_docs begin
  insert into search_index (search_index, rowid, scope, words)
    select 'delete', old.id, old.scope, old.words where not exists (select 1 from search_unfolded where id = old.id);
  delete from search_unfolded where id = old.id;
end;
drop trigger search_docs_changed;
create trigger search_docs_changed after update of scope, words on search_docs
  when not exists (select 1 from search_unfolded where id = new.id) begin
  insert into search_index (search_index, rowid, scope, words) values ('delete', old.id, old.scope, old.words);
  insert into search_index (rowid, scope, words) values (new.id, new.scope, new.words);
end;
