"""What a request of a session log carries: client authentication, access token, proof."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from dpop_lab.jose.jws import Jws
from dpop_lab.proof.proof import read_proof
from dpop_lab.show.values import shown
from dpop_lab.wire.message import Headers, Redacted, lines

LABEL = re.compile(r"<(\w+ \d+)>")
WORD = re.compile(r"[\w.:/@+*-]{1,60}", re.ASCII)
METHOD = re.compile("[A-Za-z]{1,20}")
TOKEN_SCHEMES = ("dpop", "bearer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What one request brings, as far as it is known: secrets are labels, `access_token 1`.

    `token_request` says whether it asks for an access token; `client` and `authentication` are
    then the client's name and way (RFC 8414 names), and `credentials` the label of those in an
    Authorization header. `scheme` and `token` are of that header elsewhere, `proofs` has a label
    for each DPoP header; `claims` are those of the first proof and `key` its public key as text,
    None and empty where the proof is redacted.
    """

    token_request: bool = False
    client: str = ""
    authentication: str = ""
    credentials: str = ""
    scheme: str = ""
    token: str = ""
    proofs: tuple[str, ...] = ()
    claims: Mapping[str, Any] | None = field(default=None, repr=False)
    key: str = field(default="", repr=False)

    @property
    def asks(self) -> str:
        """Who asks for a token: the client's name, or the label of its credentials."""
        return self.client or self.credentials

    @property
    def protected(self) -> bool:
        """Is it for a protected resource: with a token or a proof, but no token request?"""
        return not self.token_request and bool(self.token or self.proofs)

    @property
    def words(self) -> str:
        """What is carried in a few words; what a request says is quoted where it is no word."""
        parts = []
        if self.token_request:
            parts.append(self.authentication + (f" as {plain(self.client)}" if self.client else ""))
        elif self.scheme:
            parts.append(f"{plain(self.scheme)} {self.token}".rstrip())
        if len(self.proofs) > 1:
            parts.append(f"{len(self.proofs)} proofs")
        elif self.proofs:
            parts.append(self.proofs[0] + self._claims())
        elif self.token_request or self.token:
            parts.append("no proof")
        return ", ".join(parts) or "nothing of DPoP"

    def _claims(self) -> str:
        known, said = self.claims or {}, []
        if "htm" in known:
            method = str(known["htm"])  # which may be anything, a secret too
            said.append("htm " + (method if METHOD.fullmatch(method) else "of no method"))
        said += [name for name in ("ath", "nonce") if name in known]
        return f" ({', '.join(said)})" if said else ""


def plain(value: object) -> str:
    """A value from a request: as it is when it is a word, else short, printable and quoted."""
    return value if isinstance(value, str) and WORD.fullmatch(value) else shown(value, 60)


def carried(exchange: Redacted) -> Carried:
    """What this request carries."""
    headers = exchange.request_headers
    form, proofs = _form(exchange), lines(headers, "dpop")
    asked = exchange.method == "POST" and "grant_type" in form
    scheme, _, value = _authorization(headers)
    proof = _read(exchange.proofs)
    return Carried(
        token_request=asked,
        client=form.get("client_id", ""),
        authentication=_authentication(form, scheme) if asked else "",
        credentials=label_in(value) if asked else "",
        scheme=scheme,
        token=label_in(value) if scheme.lower() in TOKEN_SCHEMES else "",
        proofs=tuple(label_in(proof) or "proof" for proof in proofs),
        claims=proof.claims if proof else None,
        key=str(proof.header.get("jwk", "")) if proof else "",
    )


def _authorization(headers: Headers) -> tuple[str, str, str]:
    """Scheme, gap and credentials; what came without a scheme is redacted whole."""
    line = " ".join(lines(headers, "authorization")[:1])
    return ("", "", line) if label_in(line) else line.partition(" ")


def _form(exchange: Redacted) -> dict[str, str]:
    if "grant_type=" not in exchange.request_body:
        return {}
    return dict(parse_qsl(exchange.request_body, keep_blank_values=True))


def _authentication(form: Mapping[str, str], scheme: str) -> str:
    if scheme.lower() == "basic":
        return "client_secret_basic"
    if "client_assertion" in form:
        return "client assertion"  # by key or by secret: redacted, both look alike
    return "client_secret_post" if "client_secret" in form else "no client authentication"


def label_in(value: str) -> str:
    """The label that a value is, empty when it is anything else."""
    found = LABEL.fullmatch(value.strip())
    return found[1] if found else ""


def _read(proofs: Sequence[str]) -> Jws | None:
    """The first proof taken apart, None when there is none that can be read."""
    proof = read_proof("".join(proofs[:1]))
    return None if proof.problem else proof
