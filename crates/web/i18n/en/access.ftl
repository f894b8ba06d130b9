# Words of the slice "access".
