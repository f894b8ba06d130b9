create virtual table search_index using fts5(
  scope, words, content = 'search_docs', content_rowid = 'id', columnsize = 0, prefix = '3',
  tokenize = 'unicode61');
create trigger search_docs_added after insert on search_docs begin
  insert into search_index (rowid, scope, words) values (new.id, new.scope, new.words);
end;
create trigger search_docs_removed after delete on search_docs begin
  insert into search_index (search_index, rowid, scope, words) values ('delete', old.id, old.scope, old.words);
end;
create trigger search_docs_changed after update of scope, words on search_docs begin
  insert into search_index (search_index, rowid, scope, words) values ('delete', old.id, old.scope, old.words);
  insert into search_index (rowid, scope, words) values (new.id, new.scope, new.words);
end;
