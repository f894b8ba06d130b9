# Words of the slice "exchange".

# Che cosa fare con una consegna (domain::message::Proposal)
proposal-check-index = Controlla l’indirizzo nell’indice
proposal-second-try-later = Casella piena: secondo tentativo già fissato
proposal-mend-message = Correggi ciò che il gestore indica e rimanda
proposal-remove-virus = Togli il virus prima di rimandare
proposal-split-message = Dividi il messaggio o manda un collegamento
proposal-ask-provider = Chiedi notizie al gestore PEC
proposal-check-server = Controlla la configurazione del server di posta
