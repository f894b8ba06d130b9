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
remedy-database = See that the database is up and reachable and that database.url is right.
remedy-writer = Writes do not reach the disk: see to room, permissions and the state of the database.
remedy-clock = The server’s clock is behind: synchronise it (NTP). Numbers stay in order of time all the same.
remedy-storage = The folder of documents cannot be written: see to permissions and disk.
remedy-space = Room for documents is running out: enlarge the disk or move the folder.
