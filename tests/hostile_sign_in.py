"""Each endpoint of signing in with an honest request, and what may be done to its parameters."""

import json
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from dpop_lab.jose.encoding import base64url_encode, sha256
from dpop_lab.server.sign_in.sign_in_server import COOKIE
from dpop_lab.server.twin import Twin
from dpop_lab.wire.message import Request, first
from tests import builder
from tests.world import FORM_TYPE, SIGNING_KEY, VICTIM

BASE = "https://as.example"
REDIRECT, CLIENT = "https://client.example/callback", "native.dpop"
VERIFIER = "v" * 43
ASKED = {
    "client_id": CLIENT, "response_type": "code", "redirect_uri": REDIRECT,
    "scope": "openid api offline_access", "state": "s", "nonce": "n", "response_mode": "query",
    "code_challenge": base64url_encode(sha256(VERIFIER.encode())), "code_challenge_method": "S256",
    "dpop_jkt": builder.thumbprint(builder.public_jwk(VICTIM)), "resource": "urn:resource1",
    "max_age": "600", "prompt": "consent", "login_hint": "alice",
}  # fmt: skip
MARKUP = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"
HOSTILE = {  # what a value may be instead, as it stands in a form
    "missing": None,
    "blank": "",
    "100 kB": "A" * 100_000,
    "markup": quote(MARKUP),
    "NUL": "%00",
    "NUL behind": "{}%00",
    "lines": "{}%0d%0aSet-Cookie:%20x=1%0d%0a%0d%0a<script>",
    "line end": "{}%0a",
    "not ASCII": quote("Ünïcödé ☃ 🔑 \u202e"),
    "no UTF-8": "%ff%fe%c0%80",
    "surrogate": "%ed%a0%80",
    "nonsense": "%",
    "more nonsense": "%zz%u0041%25%2500",
    "space": "{}%20",
    "script": "javascript:alert(1)//{}",
    "data": "data:text/html,<script>alert(1)</script>",
    "other host": "https://mallory.example/",
    "scheme alone": "//mallory.example/",
    "userinfo": "https://client.example@mallory.example/callback",
    "backslash": "https://client.example\\@mallory.example/callback",
    "one more letter": "{}x",
    "capitals": "{}",  # replaced by its letters' other case
    "list": "[]",
    "huge number": "9" * 400,
    "negative": "-1",
    "float": "1e400",
}
TWICE = "twice"
ALL = (*HOSTILE, TWICE)


def changed(pairs, name, how):
    """The text of a form in which a parameter was changed so."""
    done = []
    for key, value in pairs.items():
        plain = quote(value, safe="")
        if key != name:
            done.append(f"{key}={plain}")
        elif how == TWICE:
            done += [f"{key}={plain}", f"{key}={plain}"]
        elif how == "capitals":
            done.append(f"{key}={quote(value.swapcase(), safe='')}")
        elif HOSTILE[how] is not None:
            done.append(f"{key}={HOSTILE[how].replace('{}', plain)}")
    return "&".join(done)


class Site:
    """A twin in this process, one honest request for each endpoint, and how to spoil it."""

    def __init__(self, policy, **options):
        self._begin(Twin(BASE, policy=policy, signing_key=SIGNING_KEY, **options))

    @classmethod
    def of(cls, twin):
        """The same of a twin that is there."""
        site = cls.__new__(cls)
        site._begin(twin)
        return site

    def _begin(self, twin):
        self.twin, self.demo, self.count = twin, twin.policy.name == "DUENDE", 0

    def ask(self, method, path, form="", headers=()):
        """The twin's answer, with a form in the URL of a GET and in the body of a POST."""
        if method == "GET":
            return self.twin(Request(method, f"{path}?{form}", tuple(headers)))
        return self.twin(Request(method, path, (FORM_TYPE, *headers), form.encode()))

    def proof(self, method, path, **more):
        """A fresh proof by the client's key, as a header line; the server's nonce is in it."""
        self.count += 1
        now = self.twin.clock.now()
        nonce = self.twin.authorization_server.nonces.issue(now)
        said = {
            "htm": method,
            "htu": self.twin.base_url + path,
            "iat": now,
            "jti": f"j{self.count}",
        }
        return ("DPoP", builder.proof(VICTIM, **said, nonce=nonce, **more))

    def cookie(self):
        """The header line of a browser in which alice has signed in."""
        answer = self.ask("POST", "/Account/Login", urlencode(self.login()))
        pair = first(answer.headers, "set-cookie").partition(";")[0]
        assert pair.startswith(COOKIE)
        return ("Cookie", pair)

    def login(self):
        back = f"/connect/authorize/callback?{urlencode(ASKED)}"
        return {"ReturnUrl": back, "Username": "alice", "Password": "alice", "button": "login"}

    def code(self, **more):
        """A new code of alice's for the client."""
        answer = self.ask(
            "GET", "/connect/authorize", urlencode(ASKED | more, doseq=True), [self.cookie()]
        )
        return parse_qs(urlsplit(first(answer.headers, "location")).query)["code"][0]

    def redemption(self, **more):
        return {
            "grant_type": "authorization_code", "client_id": CLIENT, "code": self.code(**more),
            "redirect_uri": REDIRECT, "code_verifier": VERIFIER, "resource": "urn:resource1",
        }  # fmt: skip

    def send(self, method, path, form, cookie=()):
        """The answer to a form, with a proof where the endpoint takes one."""
        proven = path in ("/connect/par", "/connect/token")
        return self.ask(method, path, form, [self.proof(method, path)] * proven + [*cookie])

    def tokens(self):
        """What the client gets for a new code."""
        answer = self.send("POST", "/connect/token", urlencode(self.redemption()))
        return json.loads(answer.body)

    def refreshing(self):
        return {
            "grant_type": "refresh_token", "client_id": CLIENT, "scope": "api",
            "refresh_token": self.tokens()["refresh_token"], "resource": "urn:resource1",
        }  # fmt: skip
