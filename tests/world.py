"""A twin in this process with its clock and all it saw, and right requests to send it."""

import json
import secrets
from urllib.parse import urlencode

from dpop_lab.client.recorder import SessionLog
from dpop_lab.jose.keys import generate_key
from dpop_lab.server.access_token import new_signing_key
from dpop_lab.server.common import Clock
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.duende_site import BASE_URL
from dpop_lab.server.rfc9449 import RFC_9449
from dpop_lab.server.twin import Twin
from dpop_lab.wire.message import Request
from tests import builder

SIGNING_KEY = new_signing_key(BASE_URL, kid="0" * 32)
SIGNER = builder.load(SIGNING_KEY[0].private_jwk())
CLIENT_KEY = generate_key("RS256")  # and whenever any RSA key will do: making one takes long
VICTIM, THIEF, STRANGER = builder.key("A"), builder.key("B"), builder.key("R", "RS256")
TOKEN, API, PLAIN_API = "/connect/token", "/api/dpop/test", "/api/test"
FORM_TYPE = ("Content-Type", "application/x-www-form-urlencoded")
POLICIES = {policy.name: policy for policy in (DUENDE, RFC_9449)}


def parts(token):
    """Header and claims of a JWT."""
    return [json.loads(builder.decode(part)) for part in token.split(".")[:2]]


class RawLog(SessionLog):
    """A session log that has the exchanges as they were, in `raw`, and none without its secrets."""

    def __init__(self):
        super().__init__()
        self.raw = []

    def record(self, exchange):
        """Keep the exchange as it was."""
        self.raw.append(exchange)
        return exchange


class World:
    """A twin in this process, its clock, and its answers, the last at the end of `seen`.

    Requests are right ones unless arguments say otherwise; `asked` is the last one.
    """

    def __init__(self, policy=DUENDE, *, api_nonce=False, every_row=True):
        self.clock, self.seen = Clock(), []
        self.twin = Twin(
            policy=policy,
            api_nonce=api_nonce,
            clock=self.clock,
            client_key=CLIENT_KEY,
            signing_key=SIGNING_KEY,
            every_row=every_row,
        )

    def now(self):
        """The server's time, which then stands at the beginning of a second."""
        self.clock.advance(1.001 - self.clock.time() % 1)
        return self.clock.now()

    def send(self, method, target, headers=(), body=b""):
        """One request, and its answer."""
        self.asked = Request(method, target, tuple(headers), body)
        response = self.twin(self.asked)
        self.seen.append(response)
        return response

    def proof(self, method, path, signing_key=VICTIM, **variations):
        """A right proof for a request here and now, but for the variations."""
        said = {"htm": method, "htu": BASE_URL + path, "iat": self.clock.now()}
        said["jti"] = secrets.token_urlsafe(16)
        return builder.proof(signing_key, **{**said, **variations})

    def token_proof(self, signing_key=VICTIM, **variations):
        """A proof for the token endpoint."""
        return self.proof("POST", TOKEN, signing_key, **variations)

    def api_proof(self, token, signing_key=VICTIM, method="GET", **variations):
        """A proof for the API, beside this token."""
        return self.proof(method, API, signing_key, **{"access_token": token, **variations})

    def token_request(self, *proofs, headers=(), **form):
        """Ask for a token; a None takes a parameter out of the form, a list repeats it."""
        said = {"grant_type": "client_credentials", "client_id": "m2m.dpop"}
        said |= {"client_secret": "secret", "scope": "api", **form}
        pairs = [
            (name, one)
            for name, value in said.items()
            if value is not None
            for one in (value if isinstance(value, list) else [value])
        ]
        lines = [FORM_TYPE, *headers, *(("DPoP", proof) for proof in proofs)]
        return self.send("POST", TOKEN, lines, urlencode(pairs).encode())

    def token(self, signing_key=VICTIM, client="m2m.dpop", scope="api"):
        """An access token, bound to a key or (None) to none."""
        proofs = [] if signing_key is None else [self.token_proof(signing_key)]
        client = "m2m" if signing_key is None else client
        answer = self.token_request(*proofs, client_id=client, scope=scope)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)["access_token"]

    def call(self, token, *proofs, method="GET", path=API, scheme="DPoP", headers=()):
        """Call the API with a token and these proofs."""
        lines = [("Authorization", f"{scheme} {token}"), *(("DPoP", proof) for proof in proofs)]
        return self.send(method, path, [*lines, *headers])

    def forged(self, token, signing_key=SIGNER, *, header=None, claims=None, **faults):
        """A token like this one but for some members, signed with the server's key or another."""
        old_header, old_claims = parts(token)
        header, claims = {**old_header, **(header or {})}, {**old_claims, **(claims or {})}
        return builder.jws(header, claims, signing_key, alg="RS256", **faults)

    def nonce(self, place="token"):
        """A nonce of the token endpoint or of the API."""
        servers = {"token": self.twin.authorization_server, "api": self.twin.resource_server}
        return servers[place].nonces.issue(self.clock.now())


def header(answer, name):
    """The value of an answer's header, None without it; it may not come twice."""
    values = [value for key, value in answer.headers if key.lower() == name.lower()]
    assert len(values) < 2
    return values[0] if values else None


def error(answer):
    """The error and its description, out of the body or the challenge."""
    if answer.body:
        members = json.loads(answer.body)
        return members.get("error"), members.get("error_description")
    pairs = dict(
        pair.split("=", 1)
        for pair in (header(answer, "WWW-Authenticate") or "").partition(" ")[2].split(", ")
        if "=" in pair
    )
    return tuple(
        pairs.get(name, '""').strip('"') or None for name in ("error", "error_description")
    )
