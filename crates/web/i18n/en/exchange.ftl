# Words of the slice "exchange".
