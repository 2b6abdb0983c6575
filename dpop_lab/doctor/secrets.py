"""Which secrets were in what was pasted, and how they are kept out of what is said of it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from dpop_lab.client.labels import LONG, Labels
from dpop_lab.doctor.case import Case, is_hidden
from dpop_lab.doctor.decoded import PRIVATE
from dpop_lab.doctor.pasted import Pasted
from dpop_lab.server.policy import basic_pair

PARAMETERS = {
    "client_secret": "a client secret",
    "client_assertion": "a client assertion",
    "refresh_token": "a refresh token",
    "password": "a password",
    "code": "an authorization code",
    "code_verifier": "a code verifier",
    "assertion": "an assertion",
    "access_token": "an access token",
}
PRIVATE_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
PRIVATE_JWK = re.compile(r'"d"\s*:\s*"[\w-]{20}')
JWT = re.compile(r"(?<![\w-])ey[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*")
SHORTEST = 7  # characters; a shorter value may be any word


class Secrets:
    """The secrets of one paste: `kinds` names them, `clean` takes them out of texts."""

    def __init__(self, pasted: Pasted) -> None:
        self._labels = Labels(SHORTEST)
        found = dict.fromkeys(kind for case in pasted.cases for kind in self._of(case))
        if any(name in jwk for jwk in pasted.jwks for name in PRIVATE):
            found["a private key"] = None
        if PRIVATE_PEM.search(pasted.text) or PRIVATE_JWK.search(pasted.text):
            found["a private key"] = None
        for jwk in pasted.jwks:
            self._know_key(jwk)
        self.kinds: tuple[str, ...] = tuple(found)

    def _of(self, case: Case) -> Iterator[str]:
        """The kinds of secrets in a case; each value is known from now on."""
        for value in (case.token, case.issued):
            if value:
                self._know("access_token", value)
                yield "an access token"
        for name, kind in PARAMETERS.items():
            value = case.form.get(name, "")
            if value and not is_hidden(value):
                self._know(name, value)
                yield kind
        for name, value in case.headers:
            if name.lower() == "authorization" and (pair := basic_pair(value)):
                self._know("client_secret", pair[1])
                yield "a client secret"
            if name.lower() == "cookie" and not is_hidden(value):
                for one in value.split(";"):
                    self._know("cookie", one.partition("=")[2].strip())
                yield "cookies"
        for text in case.proofs:
            self._know("proof", text)
        jwk = case.proof.header.get("jwk")
        if isinstance(jwk, dict) and self._know_key(jwk):
            yield "a private key"

    def _know(self, kind: str, value: str) -> None:
        """Take this value out from now on, but for a short word: that may stand anywhere."""
        if len(value) >= LONG or not value.isalpha():
            self._labels.know(kind, value)

    def _know_key(self, jwk: Mapping[str, Any]) -> bool:
        private = [str(jwk[name]) for name in PRIVATE if name in jwk]
        for value in private:
            self._know("private_key", value)
        return bool(private)

    def clean(self, texts: list[str]) -> list[str]:
        """The texts without any of them, and without whole JWTs."""
        return [JWT.sub(_told, text) for text in self._labels.replace(texts)]


def _told(match: re.Match[str]) -> str:
    return f"{match[0][:8]}… ({len(match[0])} characters)"
