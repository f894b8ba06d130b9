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
remedy-database = Controlla che la base dati sia accesa e raggiungibile e che database.url sia giusto.
remedy-writer = Le scritture non arrivano al disco: controlla spazio, permessi e stato della base dati.
remedy-clock = L’orologio del server è indietro: sincronizzalo (NTP). I numeri restano in ordine di tempo comunque.
remedy-storage = La cartella dei documenti non è scrivibile: controlla permessi e disco.
remedy-space = Lo spazio per i documenti sta finendo: allarga il disco o sposta la cartella.
