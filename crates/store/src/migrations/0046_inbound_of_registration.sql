-- An annulled entry finds the message it was made of, to answer it.
create index inbound_of_registration on inbound (registration_id);
