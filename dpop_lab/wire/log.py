"""The session log: every exchange in order, without its secrets, in memory and in a file."""

import os
from collections.abc import Iterator
from dataclasses import replace
from threading import Lock

from dpop_lab.wire.message import Exchange, Redacted
from dpop_lab.wire.redact import Redactor

WITH_REPORTS = 1000  # of so many exchanges, the last ones, the reports are kept


class SessionLog:
    """Keeps every exchange recorded, redacted, in the order in which they ended.

    Secrets in URLs, headers and bodies are replaced by their kind and order of appearance, such as
    `<access_token 1>`; so are proofs, unless `show_proofs`. With a `path` each exchange is appended
    to that file as it ends; where the file does not exist it is made, for its owner's eyes only
    (mode 0600, where the system has modes). The reports of the server are kept of the last 1,000
    exchanges. Raises `OSError` when the file cannot be written. Safe for threads. What `record`
    mounts fills it.
    """

    def __init__(
        self, path: str | os.PathLike[str] | None = None, *, show_proofs: bool = False
    ) -> None:
        self._path, self._show_proofs, self._redactor = path, show_proofs, Redactor()
        self._exchanges: list[Redacted] = []
        self._lock = Lock()
        self._append("")

    def __repr__(self) -> str:
        return f"<SessionLog, {len(self)} exchange{'' if len(self) == 1 else 's'}>"

    def __len__(self) -> int:
        return len(self._exchanges)

    def __iter__(self) -> Iterator[Redacted]:
        return iter(tuple(self._exchanges))

    def __getitem__(self, index: int) -> Redacted:
        return self._exchanges[index]

    def text(self) -> str:
        """The whole log in the form of the commercial sample."""
        return "".join(exchange.text() for exchange in self)

    def record(self, exchange: Exchange) -> Redacted:
        """Redact an exchange, keep it, and give it back."""
        with self._lock:
            redacted = self._redactor.exchange(exchange)
            if self._show_proofs:
                redacted = redacted.with_proofs()
            self._exchanges.append(redacted)
            if len(self._exchanges) > WITH_REPORTS:
                old = self._exchanges[-WITH_REPORTS - 1]
                self._exchanges[-WITH_REPORTS - 1] = replace(old, reports=())
            self._append(redacted.text())
        return redacted

    def known(self, texts: list[str]) -> list[str]:
        """Texts about what was recorded, without the long secrets in it."""
        with self._lock:
            return self._redactor.known(texts)

    def _append(self, text: str) -> None:
        if self._path is None:
            return
        opened = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with open(opened, "a", encoding="utf-8", newline="\n") as file:
            file.write(text)
