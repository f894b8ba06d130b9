# Words of the slice "access".
login-code = Codice del secondo fattore
login-code-wanted = La password va bene. Riscrivila insieme al codice della tua applicazione.
