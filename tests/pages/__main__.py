"""`python -m tests.pages`: make the pages and the panels' notebooks under `docs/` afresh."""

from tests.pages import paste, write

for path in [*write(), *paste.write()]:
    print(f"docs/{path}: stored")
