-- Why the text of a file cannot be found: locked, damaged, too-large, scanned, unreachable. Empty when it can.
alter table document_facts add column text_reason text;
