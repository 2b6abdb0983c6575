"""`python -m tests.pages`: make the pages under `docs/` afresh."""

from tests.pages import write

for path in write():
    print(f"docs/{path}: stored")
