"""Which secrets were in what was pasted, and how they are kept out of what is said of it."""

import math
import re
from collections.abc import Iterator

from dpop_lab.client.exchange import Exchange
from dpop_lab.client.labels import LONG, Labels
from dpop_lab.client.redaction import KINDS, Redactor
from dpop_lab.doctor.case import Case, is_hidden
from dpop_lab.doctor.decoded import PRIVATE, harmless, inside, is_secret
from dpop_lab.doctor.paste.half import salvaged
from dpop_lab.doctor.paste.pasted import Pasted
from dpop_lab.server.policy import basic_pair

WORDS = {
    "client_secret": "a client secret",
    "secret": "a secret",
    "client_assertion": "a client assertion",
    "refresh_token": "a refresh token",
    "password": "a password",
    "code": "an authorization code",
    "code_verifier": "a code verifier",
    "assertion": "an assertion",
    "access_token": "an access token",
    "id_token": "an ID token",
    "private_key": "a private key",
    "cookie": "cookies",
    "api_key": "an API key",
    "credentials": "a name and a password",
}
PRIVATE_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
PRIVATE_JWK = re.compile(r'"(?:d|k)"\s*:\s*"[\w-]{20}')
JWT = re.compile(r"(?<![\w-])ey[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*")
USER = re.compile(
    r"(?<=//)(?![^/@\s]*:\d{1,5}/)[^\s'\"<>@]*:[^\s'\"<>]*(?=@)|(?<=://)[^/?#@\s'\"]+(?=@)"
)
NAMED = re.compile(
    r"(?:[?&#](?:access_token|token|code|client_secret|refresh_token)="
    r"|^(?:dpop|bearer) +)([^&#\s]+)",
    re.I,
)
SHORTEST = 7  # characters; a shorter value may be any word
BEGINNING = 16  # characters by which a long value is known, even where its end is cut off
MOST_LINES = 100  # of a key in PEM
READ = 200_000  # characters in which secrets are looked for by their names


class Secrets:
    """The secrets of one paste: `kinds` names them, `clean` takes them out of texts."""

    def __init__(self, pasted: Pasted) -> None:
        self._labels, self._redactor = Labels(SHORTEST), Redactor(show_proofs=True)
        self._long: dict[str, list[tuple[str, str]]] = {}
        found = {kind: None for case in pasted.cases for kind in self._of(case)}
        for jwk in pasted.jwks:
            found |= dict.fromkeys(self._in_values(jwk))
        for exchange in pasted.exchanges:
            self._redactor.exchange(exchange)
        text = pasted.text[:READ]
        if PRIVATE_PEM.search(text) or PRIVATE_JWK.search(text):
            found["private_key"] = None
        if USER.search(text):
            found["credentials"] = None
        self._redactor.exchange(_as_body(text))
        found |= dict.fromkeys(self._redactor.kinds())
        words = (
            WORDS.get("private_key" if kind in PRIVATE else kind, "a secret") for kind in found
        )
        self.kinds: tuple[str, ...] = tuple(dict.fromkeys(words))

    def _of(self, case: Case) -> Iterator[str]:
        """The kinds of secrets in a case; each value is known from now on."""
        for value in (case.token, case.issued):
            if value:
                yield self._know("access_token", value)
        for name, value in case.form.items():
            kind = "code" if name == "code" else KINDS.get(name.replace("_", ""), "")
            if kind and value and not is_hidden(value):
                yield self._know(kind, value)
        for name, value in case.headers:
            if name.lower() == "authorization" and (pair := basic_pair(value)):
                yield self._know("client_secret", pair[1])
            if name.lower() == "cookie" and not is_hidden(value):
                for one in value.split(";"):
                    yield self._know("cookie", one.partition("=")[2].strip())
        for text in (*case.proofs, case.token, case.other):
            jws = salvaged(text)
            yield from self._in_values({"header": jws.header, "claims": jws.claims})
        for text in case.proofs:
            self._know("proof", text)

    def _in_values(self, value: object, name: str = "") -> Iterator[str]:
        """The kinds of secrets in a JSON value, by the names of its members."""
        if isinstance(value, dict):
            for key, one in value.items():
                yield from self._in_values(one, str(key))
        elif isinstance(value, list):
            for one in value:
                yield from self._in_values(one, name)
        elif isinstance(value, str) and (found := NAMED.search(value)):
            yield self._know("access_token", found[1])
        elif isinstance(value, str) and (USER.search(value) or harmless(value, name) != value):
            yield "credentials" if "@" in value else "private_key"
        if isinstance(value, str) and (inner := inside(value)) is not None:
            yield from self._in_values(inner, name)
        if is_secret(name, value):
            private = name in PRIVATE or "private" in name.lower() or "PRIVATE KEY" in str(value)
            yield self._know("private_key" if private else "secret", str(value))

    def _know(self, kind: str, value: str) -> str:
        """Take this value out from now on, but for a short word: that may stand anywhere."""
        if len(value) >= LONG or not value.isalpha():
            self._labels.know(kind, value)
        for line in value.splitlines()[:MOST_LINES] if "\n" in value else ():
            self._know(kind, line)
        if len(value) > BEGINNING:
            known = self._long.setdefault(value[:BEGINNING], [])
            if value not in [one for one, _ in known]:
                known.append((value, kind))
        return kind

    def clean(self, texts: list[str]) -> list[str]:
        """The texts without any of them, whole or cut off, and without whole JWTs."""
        cleaned = self._redactor.known_in(self._labels.replace(texts))
        return [self._cut_ones(text) for text in cleaned]

    def _cut_ones(self, text: str) -> str:
        for beginning, known in self._long.items():
            if beginning in text:
                text = _without(text, beginning, known)
        return JWT.sub(_told, USER.sub("…", text))


def _without(text: str, beginning: str, known: list[tuple[str, str]]) -> str:
    """The text with whatever is left of these values replaced by their kind."""
    kind, parts = known[0][1], text.split(beginning)
    done = parts[0]
    for part in parts[1:]:
        rests = [one[len(beginning) :] for one, _ in known]
        cut = max(_common(part, rest) for rest in rests)
        done += f"<{kind}>{part[cut:]}"
    return done


def _common(one: str, other: str) -> int:
    """How many characters two texts have in common from their beginning."""
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        length += 1
    return length


def _as_body(text: str) -> Exchange:
    return Exchange("", "", (), "", math.nan, math.nan, response_body=text)


def _told(match: re.Match[str]) -> str:
    return f"{match[0][:8]}… ({len(match[0])} characters)"
