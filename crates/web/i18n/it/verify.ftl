# Words of the slice "verify".
