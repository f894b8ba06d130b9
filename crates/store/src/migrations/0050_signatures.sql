-- What the check of each document's signatures found; a row without facts says that there was nothing to check.
create table verifications (
  document_id text primary key references documents (id),
  body text not null,
  checked_at bigint not null,
  verdict text not null,
  trust text not null,
  facts text
);
create index verifications_by_verdict on verifications (body, verdict);

-- Times at which a document is proven to have existed, other than its registration (D.P.C.M. 22/2/2013, art. 41).
create table document_proofs (
  document_id text not null references documents (id),
  kind text not null check (kind in ('pec-delivery', 'registration', 'timestamp')),
  proven_at bigint not null,
  primary key (document_id, kind)
);

-- The seal of each body: key material or the way to its token, under the body's data key.
create table seals (
  body text primary key,
  sealed bytea not null,
  subject text not null,
  not_after bigint not null,
  installed_at bigint not null,
  installed_by text not null
);

-- Papers given out, by the code printed on them.
create table issued_papers (
  code text primary key,
  body text not null,
  kind text not null,
  subject text not null,
  sha256 text not null,
  issued_at bigint not null,
  expires_at bigint,
  withdrawn_at bigint,
  withdrawn_why text
);
create index issued_papers_by_fingerprint on issued_papers (sha256);
create index issued_papers_by_subject on issued_papers (body, subject);
--! immutable issued_papers: code, body, kind, subject, issued_at
