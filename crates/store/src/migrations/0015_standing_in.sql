-- The absent person in whose place the person of a session works now; whether the absence still lasts is asked at each
-- request, so that it ends by itself.
alter table sessions add column stands_in_for text;
