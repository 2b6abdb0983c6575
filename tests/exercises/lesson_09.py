"""Lesson 9."""

import secrets
from hashlib import sha256
from urllib.parse import parse_qsl, urlsplit

from dpop_lab import generate_key, thumbprint
from dpop_lab.jose import base64url_encode
from tests.exercises import Tried, predicted

RIGHT = {
    "log": "no row", "script": "accepted", "bound": "code_key", "bare": "code_key",
    "beside": "no row", "link": "accepted",
}  # fmt: skip


def jkt(key):
    return thumbprint(key.public_jwk())


class Client:
    """A client of the twin, by hand."""

    def __init__(self, task, client_id):
        self.lab, self.key = task.lab, getattr(task, "key", None) or generate_key()
        self.verifier, self.browser = secrets.token_urlsafe(32), task.browser
        self.request = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": "https://client.example/callback",
            "scope": "openid api",
            "code_challenge": base64url_encode(sha256(self.verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }

    def push(self, nonce=None, *, proof=True):
        par = self.lab.metadata["pushed_authorization_request_endpoint"]
        made = {"DPoP": self.lab.proof(self.key, "POST", par, nonce=nonce)} if proof else {}
        answer = self.lab.session.post(par, data=self.request, headers=made)
        pushed = {"client_id": self.request["client_id"]}
        return pushed | {"request_uri": answer.json().get("request_uri")}, answer

    def nonce(self):
        return self.push()[1].headers["DPoP-Nonce"]

    def opened(self, request):
        endpoint = self.lab.metadata["authorization_endpoint"]
        answer = self.browser.get(endpoint, params=request, allow_redirects=False)
        return dict(parse_qsl(urlsplit(answer.headers.get("Location", "")).query)).get("code")

    def redeem(self, code, *, key=None, proof=True, nonce=None):
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": self.verifier}
        form |= {"redirect_uri": self.request["redirect_uri"], "scope": None}
        key = (key or self.key) if proof else None
        client_id = self.request["client_id"]
        return self.lab.ask(client_id, key=key, nonce=nonce if key else None, **form)

    def call(self, token):
        proof = self.lab.proof(self.key, "GET", self.lab.api, access_token=token)
        headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
        return self.lab.session.get(self.lab.api, headers=headers)


def pushed(
    *,
    proof=True,
    other_key=False,
    beside=False,
    until="API",
    tries=0,
    kept=True,
    client_id="native.dpop",
):
    """Sign in with native.dpop by a pushed request, so far, with so many requests too many."""

    def way(task):
        one = Client(task, client_id)
        for _ in range(tries):
            one.push()
        if until == "nonce":
            return
        nonce = one.nonce() if proof and client_id == "native.dpop" else None
        asked, _ = one.push(nonce, proof=proof)
        if until == "PAR":
            return
        code = one.opened(asked | ({"scope": "openid"} if beside else {}))
        if until == "browser":
            return
        key = generate_key() if other_key else one.key
        answer = one.redeem(code, key=key, nonce=nonce if kept else None)
        if not kept:
            answer = one.redeem(code, key=key, nonce=answer.headers["DPoP-Nonce"])
        if until == "token" or not answer.ok:
            return
        one.call(answer.json()["access_token"])

    return way


def two_sign_ins(task):
    """Push and open one request, and redeem the code of another that the browser saw whole."""
    one, other = Client(task, "native.dpop"), Client(task, "native.dpop")
    nonce = one.nonce()
    one.opened(one.push(nonce)[0])
    code = other.opened(other.request | {"dpop_jkt": jkt(other.key)})
    other.call(other.redeem(code, nonce=nonce).json()["access_token"])


def nonces_elsewhere(task):
    """Ask the token endpoint for nonces in the name of another client."""
    nonces = [task.lab.ask("m2m.dpop.nonce", key=generate_key()).headers for _ in range(3)]
    one, nonce = Client(task, "native.dpop"), nonces[-1]["DPoP-Nonce"]
    code = one.opened(one.push(nonce)[0])
    one.call(one.redeem(code, nonce=nonce).json()["access_token"])


def by_name(task):
    """The library names the key in the request, too."""
    auth = task.lab.sign_in("alice", client_id="native.dpop", push=True)
    task.lab.session.get(task.lab.api, auth=auth)


def opened(named=jkt, *, proof=True, until="token"):
    """Sign in with this as dpop_jkt."""

    def way(task):
        one = Client(task, "interactive.public")
        code = one.opened(one.request | ({"dpop_jkt": named(one.key)} if named else {}))
        if until == "token":
            one.redeem(code, proof=proof)

    return way


def pushed_instead(task):
    one = Client(task, "interactive.public")
    one.redeem(one.opened(one.push()[0]))


def redeemed_twice(task):
    one = Client(task, "interactive.public")
    code = one.opened(one.request)
    for _ in range(2):
        one.redeem(code)


def not_canonical(key):
    return base64url_encode(sha256(repr(key.public_jwk()).encode()).digest())


def mallory(*letters, challenge=True, jkt_too=True, own=False, redeem=True, wrong=False):
    """Change what Alice opens, redeem the code, and try these repairs."""

    def way(task):
        key, verifier = generate_key(), secrets.token_urlsafe(32)
        beside = {"code_challenge": base64url_encode(sha256(verifier.encode()).digest())}
        beside |= {"code_challenge_method": "S256"}
        link = task.link()
        if own:
            par = task.lab.metadata["pushed_authorization_request_endpoint"]
            request = {
                "response_type": "code", "client_id": link["client_id"], "scope": "openid api",
                "redirect_uri": "https://notused", **beside,
            }  # fmt: skip
            link["request_uri"] = task.lab.session.post(par, data=request).json()["request_uri"]
        link |= beside if challenge else {}
        code = task.opened(link | ({"dpop_jkt": jkt(key)} if jkt_too else {}))
        if redeem:
            task.redeem(code, key, secrets.token_urlsafe(32) if wrong else verifier)
        for letter in letters:
            task.repair(letter)

    return way


TRIED = {
    "09.1": Tried(
        solve=predicted(**RIGHT),
        wrong=(
            predicted(log="accepted"),
            predicted(script="no row", bound="no row"),
            predicted(bare="accepted", log="code_key"),
            predicted(link="code_key", script="no row"),
            predicted(**RIGHT | {"beside": "code_key", "link": "no row"}),
            predicted(link=""),
        ),
        second=predicted(**RIGHT | {"link": "code_key"}),
    ),
    "09.2": Tried(
        solve=pushed(),
        wrong=(
            opened(until="browser"),
            by_name,
            pushed(until="nonce", tries=1),
            pushed(proof=False, until="PAR"),
            pushed(until="PAR"),
            pushed(client_id="interactive.public"),
            pushed(beside=True),
            pushed(until="browser"),
            pushed(other_key=True),
            pushed(until="token"),
            two_sign_ins,
            nonces_elsewhere,
        ),
        second=pushed(kept=False),
    ),
    "09.3": Tried(
        solve=opened(),
        wrong=(
            lambda task: task.client(task.lab, task.browser, task.key),
            opened(not_canonical),
            opened(None),
            opened(until="browser"),
            opened(proof=False),
            redeemed_twice,
            lambda task: task.lab.ask(key=generate_key()),
        ),
        second=pushed_instead,
    ),
    "09.4": Tried(
        solve=mallory("c"),
        wrong=(
            lambda task: task.lab.ask(key=generate_key()),
            lambda task: task.opened(task.link()),
            mallory(own=True),
            mallory(redeem=False),
            mallory(jkt_too=False),
            mallory(challenge=False),
            mallory(wrong=True),
            mallory(),
            mallory("a"),
            mallory("d"),
        ),
    ),
}
