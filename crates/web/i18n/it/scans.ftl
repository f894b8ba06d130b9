# Words of the slice "scans".
scans-title = Scansioni
scans-about = Le carte scansionate aspettano qui. Guarda ciascuna, attesta che è conforme all’originale e registrala in arrivo.
scans-watched = Quelle che lo scanner lascia nella cartella dell’ente arrivano da sole in pochi secondi.
scans-add = Aggiungi scansioni
scans-add-hint = PDF, TIFF, JPEG o PNG; anche più file insieme.
scans-add-go = Carica
scans-empty = Nessuna scansione in questo stato.
scans-caption = Scansioni, dalla più recente
scan-name = Scansione
scan-act = Che cosa fare
scan-one = La scansione
scan-pages = { $n ->
    [one] 1 pagina
   *[other] { $n } pagine
}
scan-attest-hint = Confronta ogni pagina con la carta prima di attestarlo. Le parole, il tuo nome e l’ora restano con il documento e sono stampate sulla ricevuta.
scan-register = Attesta e registra
scan-discard = Metti da parte
scan-discard-why = Perché non va registrata
scan-discard-go = Metti da parte
scan-state-waiting = In attesa
scan-state-refused = Non accettata
scan-state-registered = Registrata
scan-state-discarded = Messa da parte
scan-from-folder = dalla cartella
scan-from-upload = caricata a mano
scan-refused-empty-file = Il file è vuoto. Ripeti la scansione.
scan-refused-file-too-large = Il file supera la dimensione ammessa. Ripeti la scansione con meno pagine o a una risoluzione più bassa.
scan-refused-infected = Il file contiene un virus e non è stato preso. Avvisa chi gestisce il sistema.
scan-refused-not-a-scan = Il file non è un’immagine o un PDF. Ripeti la scansione in PDF, TIFF, JPEG o PNG.
scan-refused-scan-locked = Il PDF è protetto da una password. Ripeti la scansione senza protezione.
scan-refused-scan-damaged = Il file è rovinato e non si apre. Ripeti la scansione.
scan-refused-not-plain-file = Nella cartella c’era un collegamento, non una scansione. Avvisa chi gestisce il sistema.
scan-refused-not-readable = Il file non si può leggere. Chi gestisce il sistema ne deve correggere i permessi.
attested-mark = Conformità attestata
done-scans-taken = Scansioni caricate: aspettano qui sotto.
done-scan-discarded = Scansione messa da parte.
