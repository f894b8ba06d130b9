# Words of the slice "admin".
api-title = Documentation for programmers
api-intro = Whatever is done on the pages can be done by a program. The full description is in OpenAPI form.
api-operations = Operations
api-parameters = Parameters
api-answers = Answers
api-name = Name
api-place = Where
api-meaning = Meaning
api-status = Status
api-access-open = No sign-in is needed.
api-access-token = A token in the Authorization header is needed.
