# Words of the slice "access".
login-code = Code of the second factor
login-code-wanted = The password is right. Type it again together with the code of your application.
