"""The session log: every exchange in order, without its secrets, in memory and in a file."""

import os
from collections.abc import Iterator
from threading import Lock

from dpop_lab.wire.message import Exchange
from dpop_lab.wire.redact import Redactor


class SessionLog:
    """Keeps every exchange recorded, redacted, in the order in which they ended.

    Secrets in URLs, headers and bodies are replaced by their kind and order of appearance, such as
    `<access_token 1>`; so are proofs, unless `show_proofs`. With a `path` each exchange is appended
    to that file as it ends; where the file does not exist it is made, for its owner's eyes only
    (mode 0600, where the system has modes). Raises `OSError` when the file cannot be written. Safe
    for threads. What `record` mounts fills it.
    """

    def __init__(
        self, path: str | os.PathLike[str] | None = None, *, show_proofs: bool = False
    ) -> None:
        self._path, self._redactor = path, Redactor(show_proofs=show_proofs)
        self._exchanges: list[Exchange] = []
        self._lock = Lock()
        self._append("")

    def __repr__(self) -> str:
        return f"<SessionLog, {len(self)} exchange{'' if len(self) == 1 else 's'}>"

    def __len__(self) -> int:
        return len(self._exchanges)

    def __iter__(self) -> Iterator[Exchange]:
        return iter(tuple(self._exchanges))

    def __getitem__(self, index: int) -> Exchange:
        return self._exchanges[index]

    def text(self) -> str:
        """The whole log in the form of the commercial sample."""
        return "".join(exchange.text() for exchange in self)

    def record(self, exchange: Exchange) -> Exchange:
        """Redact an exchange, keep it, and give it back."""
        with self._lock:
            redacted = self._redactor.exchange(exchange)
            self._exchanges.append(redacted)
            self._append(redacted.text())
        return redacted

    def _append(self, text: str) -> None:
        if self._path is None:
            return
        opened = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with open(opened, "a", encoding="utf-8", newline="\n") as file:
            file.write(text)
