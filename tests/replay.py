"""Recorded exchanges, asked again of a server; its answers compared to the byte after masking.

`differences(site, exchange)` gives the lines on which an answer is not the recorded one, none when
it is. A `Site` is a server and the way to it: `in_process(lab)`, `over_socket(base_url)`.

    python -m tests.replay BASE_URL [exchanges.json] [--client-jwk FILE]

asks a running server everything and prints how much was alike. (One server can answer the three
exchanges with a fixed jti, `… jti empty` and `… jti blank`, only once in eleven minutes.)

The masks of tests/recordings/README.md are put on what the server sent, and only where it is what
the mask says: `{access_token}` verifies with the published key, `{x5t}` is the hash of the
certificate, `now` is within a second of now, `{nonce}` was never seen before, and so on.
"""

import argparse
import base64
import difflib
import hashlib
import http.client
import json
import re
import secrets
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import requests
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from urllib3 import HTTPHeaderDict

from tests import builder

EXCHANGES = Path(__file__).parent / "recordings" / "exchanges.json"
FORM = "application/x-www-form-urlencoded"
NOT_COMPARED = {"date", "server", "content-length", "transfer-encoding", "x-revision"}
NOT_COMPARED |= {"connection", "keep-alive"}
LIFETIMES = (75, 3600)

# The real server falls over here (500); the twin answers as `substitute` says.
FAULTS = frozenset(
    {
        "token jwk null",
        "api jwk null",
        "token jwk empty",
        "api jwk empty",
        "token jwk without kty",
        "api jwk without kty",
    }
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to the octet: header lines in order, a body or None."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None

    @property
    def lines(self):
        """The header lines with the one that frames the body."""
        if self.body is None and self.method not in ("POST", "PUT"):
            return self.headers
        return (*self.headers, ("Content-Length", str(len(self.body or b""))))


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came: status, header lines, body text."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str

    def header(self, name):
        """The value of a header, None without it."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class NoToken(Exception):
    """The access token an exchange comes with was refused."""


# ---- carriers ---------------------------------------------------------------------------------


class InProcess:
    """Asks through a requests session, header lines as they are."""

    def __init__(self, session, base_url):
        self.session, self.base_url = session, base_url

    def __call__(self, asked):
        prepared = requests.Request(asked.method, self.base_url).prepare()
        prepared.url, prepared.body = self.base_url + asked.target, asked.body
        prepared.headers = HTTPHeaderDict()
        for name, value in asked.lines:
            prepared.headers.add(name, value)
        response = self.session.send(prepared, allow_redirects=False)
        return Answer(response.status_code, tuple(response.headers.items()), response.text)


class OverSocket:
    """Asks over one TCP connection, kept open."""

    def __init__(self, base_url):
        split = urlsplit(base_url)
        secure = split.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self.connection = kind(split.hostname, split.port, timeout=20)

    def __call__(self, asked):
        try:
            return self._exchange(asked)
        except (http.client.RemoteDisconnected, ConnectionError):
            self.connection.close()  # an idle connection the server had closed
            return self._exchange(asked)

    def _exchange(self, asked):
        self.connection.putrequest(asked.method, asked.target, skip_accept_encoding=True)
        for name, value in asked.lines:
            self.connection.putheader(name, value)
        self.connection.endheaders(asked.body)
        response = self.connection.getresponse()
        body = response.read().decode()
        return Answer(response.status, tuple(response.getheaders()), body)

    def close(self):
        """Close the connection."""
        self.connection.close()


# ---- a site -----------------------------------------------------------------------------------


@dataclass
class Site:
    """A server with its way in, its clock, its clients' key, and what was seen of it."""

    send: Callable[[Asked], Answer]
    base_url: str
    now: Callable[[], int]
    client_key: object = None
    client_key_id: str | None = None
    seen: set[str] = field(default_factory=set)

    def proof(self, signing_key, method, path, **variations):
        """A right proof for a request here and now, but for the variations."""
        said = {"htm": method, "htu": self.base_url + path.partition("?")[0]}
        said |= {"iat": self.now(), "jti": secrets.token_urlsafe(16), **variations}
        return builder.proof(signing_key, **said)

    def token_request(self, client_id, *proofs, scope="api"):
        """Ask the token endpoint with a secret and these proofs."""
        pairs = [("grant_type", "client_credentials"), ("client_id", client_id)]
        pairs += [("client_secret", "secret"), ("scope", scope)]
        headers = (("Content-Type", FORM), *(("DPoP", proof) for proof in proofs))
        return self.send(Asked("POST", "/connect/token", headers, urlencode(pairs).encode()))

    def fresh_nonce(self):
        """A nonce of the token endpoint, fetched just now."""
        proof = self.proof(builder.key(), "POST", "/connect/token")
        return self.token_request("m2m.dpop.nonce", proof).header("DPoP-Nonce")

    def token(self, client_id="m2m.dpop", signing_key=None, *, scope="api", jti=None):
        """An access token, bound to a key if one is given; a nonce challenge is answered."""
        given = {"jti": jti} if jti else {}
        proofs = []
        if signing_key is not None:
            proofs = [self.proof(signing_key, "POST", "/connect/token", **given)]
        answer = self.token_request(client_id, *proofs, scope=scope)
        nonce = answer.header("DPoP-Nonce")
        if nonce and proofs:
            proof = self.proof(signing_key, "POST", "/connect/token", nonce=nonce, **given)
            answer = self.token_request(client_id, proof, scope=scope)
        if answer.status != 200:
            raise NoToken(f"no token for {client_id}: {answer.status} {answer.body}")
        return json.loads(answer.body)["access_token"]

    def api(self, token, *proofs, path="/api/dpop/test"):
        """Call the API with a token and these proofs."""
        lines = (("DPoP", proof) for proof in proofs)
        return self.send(Asked("GET", path, (("Authorization", f"DPoP {token}"), *lines)))

    @cached_property
    def signer(self):
        """The published key that signs this site's access tokens."""
        answer = self.send(Asked("GET", "/.well-known/openid-configuration/jwks"))
        return Signer(json.loads(answer.body)["keys"][0])

    @cached_property
    def masks(self):
        """What is the same in every answer of this site, and the mask over it."""
        masks = {self.base_url: "{base}", self.signer.x5t: "{x5t}", self.signer.n: "{n}"}
        masks[f'["{self.signer.x5c}"]'] = '"{x5c}"'
        if re.fullmatch("[0-9A-F]{32}", self.signer.kid):
            masks[self.signer.kid] = "{kid}"
        return masks

    def is_new(self, value):
        """Whether a value that must never come twice came for the first time."""
        new = value not in self.seen
        self.seen.add(value)
        return new

    def close(self):
        """Close what the way in holds open."""
        if hasattr(self.send, "close"):
            self.send.close()


def in_process(lab):
    """The site of a lab, through its requests session."""
    carrier = InProcess(lab.session, lab.base_url)
    return Site(carrier, lab.base_url, lab.clock.now, lab.client_key, lab.client_key_id)


def over_socket(lab):
    """The site of a lab with `carrier="socket"`, over a connection of its own."""
    carrier = OverSocket(lab.base_url)
    return Site(carrier, lab.base_url, lab.clock.now, lab.client_key, lab.client_key_id)


class Signer:
    """The key behind access tokens, all but its kid read from its certificate."""

    def __init__(self, jwk):
        self.kid, (self.x5c,) = jwk["kid"], jwk["x5c"]
        der = base64.b64decode(self.x5c, validate=True)
        self.key = x509.load_der_x509_certificate(der).public_key()
        self.x5t = builder.encode(hashlib.sha1(der, usedforsecurity=False).digest())
        n = self.key.public_numbers().n
        self.n = builder.encode(n.to_bytes(256, "big"))

    def signed(self, token):
        """Whether a compact JWS verifies as RS256 with this key."""
        signing_input, _, signature = token.rpartition(".")
        octets = builder.decode(signature)
        with suppress(InvalidSignature):
            self.key.verify(octets, signing_input.encode(), padding.PKCS1v15(), hashes.SHA256())
            return True
        return False


# ---- asking -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Turn:
    """One time a request is made: what is asked, and what it was made from."""

    asked: Asked
    proofs: tuple[str, ...]
    assertion: str | None
    token: str | None
    signing_key: object


class Replay:
    """One exchange with a site: its turns in order."""

    def __init__(self, site, exchange):
        self.site, self.exchange = site, exchange
        self.names = builder.Names(base=site.base_url)
        self.nonce = None

    def turns(self):
        """Each turn with its answer and the times between which it was answered."""
        start = self.site.now()
        turn = self.first()
        yield turn, self.ask(turn), (start, self.site.now())
        if "again" in self.exchange:
            turn = self.again(turn, self.exchange["again"])
            yield turn, self.ask(turn), (start, self.site.now())

    def ask(self, turn):
        answer = self.site.send(turn.asked)
        self.nonce = answer.header("DPoP-Nonce") or self.nonce
        return answer

    def first(self):
        """The first turn."""
        descriptions = self.exchange["proofs"]
        alg = descriptions[0].get("alg", "ES256") if descriptions else "ES256"
        signing_key = builder.key("E" if alg == "EdDSA" else "A", alg)
        token = self.token(self.exchange["token"], signing_key) if self.wants_token else None
        return self.turn(descriptions, token, signing_key)

    @property
    def wants_token(self):
        return self.exchange.get("token") is not None

    def again(self, before, how):
        """The turn after `before`."""
        descriptions = self.exchange["proofs"]
        if how == "same":
            return before
        if how == "new proof":
            return self.turn(descriptions, before.token, before.signing_key)
        if how == "same assertion":
            return self.turn(descriptions, before.token, before.signing_key, before.assertion)
        token, signing_key, key = before.token, before.signing_key, {}
        if how.get("other") == "token":
            signing_key, key = builder.key("B"), {"key": "B"}
            token = self.token(self.exchange["token"], signing_key)
        described = {name: how[name] for name in ("key", "claims", "nonce") if name in how}
        return self.turn(
            [{**key, **described} for _ in descriptions],
            token,
            signing_key,
            before.assertion if how.get("same assertion") else None,
            proofs=before.proofs if how.get("same") else None,
            form={"client_id": how.get("client"), "scope": how.get("scope")}
            | {"client_secret": how.get("secret")},
        )

    def token(self, wanted, signing_key):
        """The access token an exchange comes with."""
        jti = self.names["jti-of-token"] = secrets.token_urlsafe(16)
        bound_to = None if wanted.get("proof") is False else signing_key
        scope = wanted.get("scope", "api")
        token = self.site.token(wanted["client"], bound_to, scope=scope, jti=jti)
        return builder.spoilt(token) if wanted.get("spoil") else token

    def turn(self, descriptions, token, signing_key, assertion=None, *, proofs=None, form=None):
        """A turn made from descriptions, or from proofs and an assertion made before."""
        exchange = self.exchange
        if assertion is None and "assertion" in exchange:
            assertion = self.assertion(dict(exchange["assertion"]))
        if proofs is None:
            proofs = self.proofs(descriptions, token)
        names = builder.Names(self.names, token=token, assertion=assertion)
        headers = [(name, self.fill(value, names)) for name, value in exchange["headers"]]
        if "basic" in exchange:
            pair = ":".join(exchange["basic"]).encode()
            headers.append(("Authorization", f"Basic {base64.b64encode(pair).decode()}"))
        body = exchange["body"].encode() if "body" in exchange else None
        if "form" in exchange:
            changes = {name: value for name, value in (form or {}).items() if value is not None}
            pairs = [(name, changes.get(name, value)) for name, value in exchange["form"]]
            headers.append(("Content-Type", FORM))
            body = urlencode([(n, self.fill(value, names)) for n, value in pairs]).encode()
        headers += [("DPoP", proof) for proof in proofs]
        asked = Asked(exchange["method"], exchange["path"], tuple(headers), body)
        return Turn(asked, proofs, assertion, token, signing_key)

    def fill(self, text, names):
        return builder.filled(text, names, now=self.site.now())

    def proofs(self, descriptions, token):
        """One proof for each description; those with the same `id` are one."""
        made = {}
        for number, description in enumerate(descriptions):
            name = ("id", description["id"]) if "id" in description else number
            if name not in made:
                made[name] = self.proof(description, token)
        return tuple(
            made[("id", description["id"]) if "id" in description else number]
            for number, description in enumerate(descriptions)
        )

    def proof(self, description, token):
        if description.get("nonce") == "fresh" and self.nonce is None:
            self.nonce = self.site.fresh_nonce()
        return builder.described(
            description,
            htm=self.exchange["method"],
            htu=self.site.base_url + self.exchange["path"].partition("?")[0],
            now=self.site.now(),
            access_token=token,
            nonce=self.nonce,
            names=self.names,
        )

    def assertion(self, description):
        stranger = builder.key("R", "RS256") if description.pop("key", None) else None
        return builder.assertion(
            stranger or self.site.client_key,
            kid=self.site.client_key_id,
            client_id=description.pop("client"),
            audience=f"{self.site.base_url}/connect/token",
            now=self.site.now(),
            jti=secrets.token_urlsafe(16),
            **builder.filled(description, self.names, now=self.site.now()),
        )


# ---- comparing --------------------------------------------------------------------------------


def differences(site, exchange):
    """The lines on which the answers to an exchange are not the recorded ones; [] if alike."""
    wanted = [substitute(exchange)] if exchange["name"] in FAULTS else exchange["answers"]
    try:
        got = [masked(site, *turn) for turn in Replay(site, exchange).turns()]
    except NoToken as error:
        return [f"{exchange['name']!r}: {error}"]
    lines = []
    for number, pair in enumerate(zip(wanted, got, strict=True), start=1):
        found = difference(*pair)
        lines += [f"{exchange['name']!r}, answer {number}:", *found] if found else []
    return lines


def difference(wanted, got):
    """The lines that two answers in the form of the recordings do not share."""
    if wanted == got:
        return []
    marks = {"- ": "  wanted ", "+ ": "  got    "}
    compared = difflib.ndiff(_lines(wanted), _lines(got))
    lines = [marks[line[:2]] + line[2:] for line in compared if line[:2] in marks]
    return lines or [f"  wanted {wanted}", f"  got    {got}"]


def _lines(answer):
    lines = [f"status {answer['status']}"]
    lines += [f"{name}: {value}" for name, value in answer["headers"]]
    lines += re.split('(?<=,)(?=["{])', answer["body"])
    for part, members in answer.get("access_token", {}).items():
        lines += [f"{part} {name} = {json.dumps(value)}" for name, value in members]
    return [line for line in lines if line]


def substitute(exchange):
    """What the twin answers where the real server fell over."""
    text = "Invalid 'jwk' value."
    if exchange["path"].startswith("/api"):
        challenge = f'DPoP error="invalid_dpop_proof", error_description="{text}"'
        return {"status": 401, "headers": [["WWW-Authenticate", challenge]], "body": ""}
    headers = [
        ["Cache-Control", "no-store, no-cache, max-age=0"],
        ["Content-Type", "application/json; charset=UTF-8"],
        ["Pragma", "no-cache"],
    ]
    escaped = text.replace("'", "\\u0027")
    body = f'{{"error":"invalid_dpop_proof","error_description":"{escaped}"}}'
    return {"status": 400, "headers": headers, "body": body}


def masked(site, turn, answer, times):
    """An answer in the form of the recordings, with a mask over all that differs each time."""
    masks = dict(site.masks)
    masks[builder.thumbprint(builder.public_jwk(turn.signing_key))] = "{jkt}"
    if turn.proofs and turn.proofs[0]:
        masks[turn.proofs[0].replace("+", "\\u002B")] = "{proof}"
    if turn.token:
        masks |= _claims_of(turn.token, times)
    token = _issued(site, answer.body)
    if token:
        masks[token] = "{access_token}"
    found = {
        "status": answer.status,
        "headers": sorted(
            [name, _header(site, name, value)]
            for name, value in answer.headers
            if name.lower() not in NOT_COMPARED
        ),
        "body": covered(answer.body, masks),
    }
    if token:
        found["access_token"] = _decoded(site, token, masks, times)
    return found


def covered(text, masks):
    """Text with each value replaced by its mask, the longest first."""
    for value in sorted(masks, key=len, reverse=True):
        text = text.replace(value, masks[value])
    return text


def _header(site, name, value):
    if name == "DPoP-Nonce" and re.fullmatch(r"[!#-\[\]-~]{16,}", value):  # RFC 9449 section 8.1
        return "{nonce}" if site.is_new(value) else f"{value} (seen before)"
    return value


def _issued(site, body):
    """The access token in a body, if it is one this site signed."""
    with suppress(ValueError, TypeError, KeyError):
        token = json.loads(body)["access_token"]
        return token if site.signer.signed(token) else None
    return None


def _parts(token):
    return [json.loads(builder.decode(part)) for part in token.split(".")[:2]]


def _decoded(site, token, masks, times):
    """Header and claims of an access token, in order and masked, as pairs."""
    header, claims = _parts(token)
    claims |= _times(claims, times)
    jti = claims.get("jti")
    if isinstance(jti, str) and re.fullmatch("[0-9A-F]{32}", jti) and site.is_new(jti):
        claims["jti"] = "{32 hex digits}"
    parts = {"header": header, "claims": claims}
    return {part: list(_covered(parts[part], masks).items()) for part in parts}


def _covered(value, masks):
    if isinstance(value, str):
        return covered(value, masks)
    if isinstance(value, dict):
        return {name: _covered(item, masks) for name, item in value.items()}
    return [_covered(item, masks) for item in value] if isinstance(value, list) else value


def _times(claims, times):
    """The times in claims as `now` and `now+N`, where they are that."""
    start, end = times
    iat = claims.get("iat")
    if type(iat) is not int or not start - 1 <= iat <= end + 1:
        return {}
    named = {iat: "now", **{iat + seconds: f"now+{seconds}" for seconds in LIFETIMES}}
    found = {name: claims.get(name) for name in ("iat", "nbf", "exp")}
    return {name: named[value] for name, value in found.items() if value in named}


def _claims_of(token, times):
    """How the API shows the claims of the token it was sent, and the masks over them."""
    _, claims = _parts(token)
    shown = {claims[name]: mask for name, mask in _times(claims, times).items()}
    if re.fullmatch("[0-9A-F]{32}", claims.get("jti", "")):
        shown[claims["jti"]] = "{32 hex digits}"
    return {f'"value":"{value}"': f'"value":"{mask}"' for value, mask in shown.items()}


# ---- the command ------------------------------------------------------------------------------


def read(path=EXCHANGES):
    """The exchanges of a file, the members of each access token as pairs in order."""
    exchanges = json.loads(Path(path).read_text(encoding="utf-8"))
    for answer in (answer for exchange in exchanges for answer in exchange["answers"]):
        if "access_token" in answer:
            parts = answer["access_token"].items()
            answer["access_token"] = {part: list(members.items()) for part, members in parts}
    return exchanges


def main(arguments=None):
    """Replay a file of exchanges against a running server and print what differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.replay", description=main.__doc__)
    parser.add_argument("base_url", help="where the server is, e.g. http://127.0.0.1:8080")
    parser.add_argument("exchanges", nargs="?", default=EXCHANGES, help="a file of exchanges")
    parser.add_argument("--client-jwk", help="file with the private JWK of the *.jwt clients")
    given = parser.parse_args(arguments)
    base_url = given.base_url.rstrip("/")
    site = Site(OverSocket(base_url), base_url, lambda: int(time.time()))
    if given.client_jwk:
        site.client_key = json.loads(Path(given.client_jwk).read_text(encoding="utf-8"))
        site.client_key_id = site.client_key.get("kid")
    alike, different, left_out = 0, 0, 0
    for exchange in read(given.exchanges):
        if "assertion" in exchange and site.client_key is None:
            left_out += 1
            continue
        found = differences(site, exchange)
        alike, different = alike + (not found), different + bool(found)
        print("\n".join([*found, ""]) if found else "", end="")
    note = f", {left_out} not asked (they need --client-jwk)" if left_out else ""
    print(f"{alike} of {alike + different} alike, {different} different{note}")
    site.close()
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
