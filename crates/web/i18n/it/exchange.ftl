# Words of the slice "exchange".

# Che cosa fare con una consegna (domain::message::Proposal)
proposal-check-index = Controlla l’indirizzo nell’indice
proposal-second-try-later = Casella piena: secondo tentativo già fissato
proposal-mend-message = Correggi ciò che il gestore indica e rimanda
proposal-remove-virus = Togli il virus prima di rimandare
proposal-split-message = Dividi il messaggio o manda un collegamento
proposal-ask-provider = Chiedi notizie al gestore PEC
proposal-check-server = Controlla la configurazione del server di posta

err-only-test-addresses = Nella dimostrazione gli indirizzi finiscono in .test
err-twice = Questo destinatario c’è già: toglilo da qui
err-ceased-body = Questo ente non esiste più; le sue funzioni sono passate a { $value }
err-unknown-body = Nessun ente ha il codice { $value }: cercalo per nome
err-unknown-aoo = Quest’area non è dell’ente: scegline una dell’elenco
refusal-message-not-waiting = Qualcuno ha già deciso di questo messaggio
refusal-message-unreadable = Il messaggio non si può leggere: scarica i byte ricevuti
refusal-annulled-entry = La registrazione è annullata: non si può inviare
refusal-only-outgoing-entries = Si inviano solo registrazioni in uscita
refusal-body-outside-hub = Questo ente non lavora in questa installazione: usa la sua PEC
