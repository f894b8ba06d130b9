create index correspondents_by_tax_code on correspondents (tax_code) where tax_code is not null;
-- Encrypted bytes cannot be compressed: PostgreSQL need not try.
alter table blobs alter column bytes set storage external;
