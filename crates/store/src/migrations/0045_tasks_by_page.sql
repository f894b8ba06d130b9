-- Decisions settle the tasks of the page they are taken on.
create index tasks_of_page on tasks (body, href);
