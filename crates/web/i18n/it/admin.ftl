# Words of the slice "admin".
api-title = Documentazione per programmatori
api-intro = Tutto quello che si fa dalle pagine si può fare da programma. La descrizione completa è in formato OpenAPI; le spiegazioni delle singole operazioni sono in inglese.
api-operations = Operazioni
api-parameters = Parametri
api-answers = Risposte
api-name = Nome
api-place = Dove
api-meaning = Significato
api-status = Stato
api-access-open = Non serve accedere.
api-access-token = Serve un gettone nell’intestazione Authorization.
