# Words of the slice "register".
