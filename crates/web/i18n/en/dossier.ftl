# Words of the slice "dossier".
