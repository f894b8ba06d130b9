alter table search_docs add column lexemes tsvector generated always as
  (array_to_tsvector(array_remove(string_to_array(scope || ' ' || words, ' '), ''))) stored;
create index search_docs_lexemes on search_docs using gin (lexemes);
