"""Where a refresh token is kept between two runs: a file that its owner alone can read."""

import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from dpop_lab.errors import LabError
from dpop_lab.jose.encoding import from_json


class TokenStore(Protocol):
    """Keeps what a client has to know to go on in a person's name; a secret."""

    def read(self) -> Mapping[str, str]:
        """What was written last, empty when there is nothing."""

    def write(self, kept: Mapping[str, str]) -> None:
        """Keep this in place of it; with nothing in it, forget."""


class FileStore:
    """A JSON file that only its owner can read, written whole or not at all."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def __repr__(self) -> str:
        return f"<FileStore {self.path}>"

    def read(self) -> dict[str, str]:
        """What was written last. Raises `LabError` for a file that is none of ours."""
        try:
            text = self.path.read_text("utf-8", "replace")
        except FileNotFoundError:
            return {}
        with suppress(ValueError, RecursionError):
            told = from_json(text)
            if isinstance(told, dict) and all(isinstance(one, str) for one in told.values()):
                return told
        wanted = "a JSON object with texts, as written here"
        raise LabError(f"{self.path} keeps no sign-in", wanted=wanted, advice="Name another file.")

    def write(self, kept: Mapping[str, str]) -> None:
        """Keep this in place of it, or take the file away where there is nothing to keep."""
        if not kept:
            self.path.unlink(missing_ok=True)
            return
        fresh = self.path.with_name(f".{self.path.name}-{secrets.token_hex(4)}.part")
        try:
            with open(fresh, "x", encoding="utf-8", opener=_private) as file:
                json.dump(dict(kept), file, indent=1)
            os.replace(fresh, self.path)
        finally:
            fresh.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
