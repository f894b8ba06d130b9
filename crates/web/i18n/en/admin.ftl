# Words of the slice "admin".
