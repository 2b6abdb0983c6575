"""The twin answers the recorded code flow of the real server alike, over both carriers."""

import json
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from dpop_lab import Lab, private_key_jwt, public_jwk, thumbprint
from dpop_lab.jose.encoding import base64url_decode, base64url_encode, sha256
from dpop_lab.jose.keys import generate_key

RECORDS = json.loads((Path(__file__).parent / "recordings" / "code-flow.json").read_text("utf-8"))
RECORDS = RECORDS["records"]
REDIRECT = "https://notused"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636 appendix B
COMPARED = ("cache-control", "content-type", "dpop-nonce", "pragma", "www-authenticate")


class Flow:
    """One site, a browser in which bob has signed in, and what was given out so far."""

    def __init__(self, lab):
        self.lab, self.base = lab, lab.base_url
        self.keys = {"key A": generate_key(), "key B": generate_key()}
        self.codes, self.answers, self.nonce = {}, {}, None

    def jkt(self, words):
        return thumbprint(public_jwk(self.keys[words.removeprefix("thumbprint of ")]))

    def authorize(self, wanted):
        """A code for bob, by way of the login page where that is shown."""
        challenge = base64url_encode(sha256(VERIFIER.encode()))
        query = {
            "redirect_uri": REDIRECT, "response_type": "code", "code_challenge_method": "S256",
            "code_challenge": challenge, "state": "s", "nonce": "n", **wanted,
        }  # fmt: skip
        if "dpop_jkt" in query:
            query["dpop_jkt"] = self.jkt(query["dpop_jkt"])
        if "request_uri" in query:
            pushed = self.answers[query["request_uri"].removeprefix("of: ")]["request_uri"]
            query = {"client_id": query["client_id"], "request_uri": pushed}
        send = self.lab.session
        answer = send.get(f"{self.base}/connect/authorize", params=query, allow_redirects=False)
        if "/Account/Login" in answer.headers["Location"]:
            form = {"Username": "bob", "Password": "bob", "button": "login"}
            login = answer.headers["Location"]
            answer = send.post(login, data=form, allow_redirects=False)
            answer = send.get(answer.headers["Location"], allow_redirects=False)
        said = parse_qs(urlsplit(answer.headers["Location"]).query)
        assert said.get("state") == (None if "request_uri" in wanted else ["s"])
        assert said["iss"] == [self.base]
        return said["code"][0]

    def ask(self, record):
        """Send what a record sent; gives the answer."""
        if before := record.get("before"):
            self.codes[before["call_it"]] = self.authorize(before["authorize"])
        request, uses = record["request"], record.get("uses", "")
        url = self.base + request["path"]
        given = request.get("form", {}).items()
        form = {name: self.value(name, text, uses) for name, text in given}
        headers = {}
        if request.get("proof"):
            headers["DPoP"] = self.proof(request, url)
        if "Bearer" in uses:
            token = self.answers[uses.removeprefix("access token of: ").partition(";")[0]]
            headers["Authorization"] = f"Bearer {token['access_token']}"
        basic = ("api", "secret") if "introspect" in url else None
        answer = self.lab.session.request(
            request["method"], url, data=form or None, headers=headers, auth=basic
        )
        self.nonce = answer.headers.get("DPoP-Nonce", self.nonce)
        if answer.text.startswith("{"):
            self.answers[record["name"]] = answer.json()
        return answer

    def value(self, name, text, uses):
        """The value of a form parameter; `...` stands for one that differs each time."""
        if name == "dpop_jkt":
            return self.jkt(text)
        if text != "...":
            return text
        if name == "code":
            return self.codes[uses.removeprefix("code ")]
        if name in ("refresh_token", "token"):
            kind, _, record = uses.partition(" of: ")
            return self.answers[record][kind.replace(" ", "_")] if record else "x"
        challenge = base64url_encode(sha256(VERIFIER.encode()))
        told = {"code_verifier": VERIFIER, "code_challenge": challenge}
        return told[name] if name in told else self.assertion()

    def assertion(self):
        client, key = "interactive.confidential.jwt.dpop", self.lab.client_key
        authenticate = private_key_jwt(
            client, key, audience=f"{self.base}/connect/token", key_id=self.lab.client_key_id
        )
        return authenticate(self.lab.clock.now())[1]["client_assertion"]

    def proof(self, request, url):
        nonce = {"nonce": self.nonce} if request.get("nonce") else {}
        claims = {"htm": request["method"], **request.get("claims", {})}
        return self.lab.proof(self.keys[request["proof"]], claims["htm"], url, **nonce)


def masked(flow, record, answer):
    """An answer's body with what differs each time as the recording has it."""
    text = answer.text
    if not text.startswith("{"):
        return text
    body = json.loads(text)
    for name in ("id_token", "access_token", "refresh_token", "request_uri"):
        if name in body:
            assert body[name]
            text = text.replace(json.dumps(body[name]), f'"{{{name}}}"')
    for name in ("nbf", "iat", "exp", "auth_time"):
        text = re.sub(rf'"{name}":\d+', f'"{name}":{{{name}}}', text)
    for name in ("sid", "jti"):
        text = re.sub(rf'"{name}":"[0-9A-F]{{32}}"', f'"{name}":"{{{name}}}"', text)
    text = text.replace(flow.jkt("key A"), "{thumbprint of key A}")
    return text.replace(flow.base, "{base}")


def claims_of(token):
    return [json.loads(base64url_decode(part)) for part in token.split(".")[:2]]


def same_token(flow, wanted, token):
    """The decoded access token is the recorded one: members, order and values."""
    header, claims = claims_of(token)
    assert list(header) == list(wanted["header"])
    assert list(claims) == list(wanted["claims"])
    now = flow.lab.clock.now()
    for name, value in wanted["claims"].items():
        if value == "{base}":
            assert claims[name] == flow.base
        elif name in ("iat", "nbf", "auth_time"):
            assert abs(claims[name] - now) < 60
        elif name == "exp":
            assert claims[name] - claims["iat"] == 3600
        elif name == "cnf":
            assert claims[name] == {"jkt": flow.jkt("key A")}
        elif name in ("sid", "jti"):
            assert re.fullmatch("[0-9A-F]{32}", claims[name])
        else:
            assert claims[name] == value, name


@pytest.mark.parametrize("carrier", ["in process", "socket"])
def test_every_recorded_answer_of_the_code_flow_is_given(carrier):
    with Lab(carrier=carrier) as lab:
        flow = Flow(lab)
        for record in RECORDS:
            answer, wanted = flow.ask(record), record["answer"]
            context = f"{record['name']}: {answer.status_code} {answer.text}"
            assert answer.status_code == wanted["status"], context
            lines = {name.lower(): text for name, text in answer.headers.items()}
            told = {name: lines[name] for name in COMPARED if name in lines}
            recorded = {name.lower(): text for name, text in wanted["headers"]}
            if "dpop-nonce" in recorded:
                told["dpop-nonce"] = "{nonce}"
            assert told == recorded, context
            assert masked(flow, record, answer) == wanted["body"], context
            if "access_token" in wanted:
                same_token(flow, wanted["access_token"], answer.json()["access_token"])
