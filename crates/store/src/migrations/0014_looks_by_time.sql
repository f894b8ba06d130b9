-- The audit page lists the latest looks of a body.
create index looks_by_time on looks (body, at);
