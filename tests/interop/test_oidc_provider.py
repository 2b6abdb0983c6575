"""Our client against npm oidc-provider and an API guarded by npm oauth4webapi, nonces at both."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import requests
from processes import running

from dpop_lab.client.auth import DPoPAuth
from dpop_lab.client.token import TokenRefused, TokenSource
from dpop_lab.errors import LabError
from dpop_lab.jose.encoding import thumbprint
from dpop_lab.jose.keys import PrivateKey, generate_key
from dpop_lab.lab.lab import Lab

# what the two servers see: who was asked, by which method, what the answer was
TOKEN_DANCE = ["as POST 400", "as POST 200"]
API_DANCE = ["api GET 401", "api GET 200"]


class Node:
    """The provider and the API in their process, and a session that asks nobody else."""

    def __init__(self, issuer: str, api: str, control: str, client_key: PrivateKey) -> None:
        self.token_endpoint, self.issuer, self.api = f"{issuer}/token", issuer, api
        self._control, self._client_key, self._ahead = control, client_key, 0
        self.session = requests.Session()
        self.session.trust_env = False  # no proxy

    def seen(self) -> list[str]:
        """The requests the two servers got since this was last asked."""
        lines: list[str] = self._turn("/seen")
        return lines

    def rotate(self) -> None:
        """Let the API have another nonce."""
        self._turn("/rotate")

    def later(self, seconds: int) -> None:
        """Put the clocks of both servers forward, and ours with them."""
        self._turn(f"/later?{seconds}")
        self._ahead += seconds

    def _turn(self, path: str) -> Any:
        return self.session.get(self._control + path, timeout=10).json()

    def clock(self) -> float:
        return time.time() + self._ahead

    def auth(self, key: PrivateKey, **changed: Any) -> DPoPAuth:
        """Our client, with a secret in the form unless told otherwise."""
        settings: dict[str, Any] = {
            "token_endpoint": self.token_endpoint,
            "client_id": "post",
            "client_secret": "secret",
            "scope": "read",
            "parameters": {"resource": self.api},
        }
        return DPoPAuth.client_credentials(
            key=key, session=self.session, clock=self.clock, **{**settings, **changed}
        )

    def with_assertion(self, key: PrivateKey, client_key: PrivateKey | None = None) -> DPoPAuth:
        return self.auth(
            key,
            client_id="assertion",
            client_secret=None,
            client_key=client_key or self._client_key,
            client_key_id=thumbprint(self._client_key.public_jwk()),
            assertion_audience=self.issuer,
        )

    def get(self, auth: DPoPAuth) -> requests.Response:
        return self.session.get(self.api, auth=auth, timeout=10)

    def signs_in(self, client_id: str, **changed: Any) -> DPoPAuth:
        """Our client for a person, who has yet to sign in."""
        settings: dict[str, Any] = {
            "key": generate_key("ES256"),
            "issuer": self.issuer,
            "client_id": client_id,
            "client_auth": "none",
            "redirect_uri": "http://127.0.0.1:4711/callback",
            "scope": "openid offline_access read",
        }
        return DPoPAuth.authorization_code(
            session=self.session, clock=self.clock, **{**settings, **changed}
        )

    def browse(self, url: str) -> str:
        """The way of a person through the provider's pages: login, consent; where it leads."""
        given = {"login": {"login": "alice", "password": "x"}, "consent": {}}
        with requests.Session() as browser:
            browser.trust_env = False
            answer = browser.get(url, allow_redirects=False, timeout=10)
            for _ in range(10):
                if answer.is_redirect:
                    url = urljoin(answer.url, answer.headers["Location"])
                    if url.startswith("http://127.0.0.1:4711/"):
                        return url
                    answer = browser.get(url, allow_redirects=False, timeout=10)
                else:
                    action = re.search(r'action="([^"]+)" method="post"', answer.text)
                    prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
                    assert action and prompt, answer.text
                    form = {"prompt": prompt[1], **given[prompt[1]]}
                    url = urljoin(answer.url, action[1])
                    answer = browser.post(url, data=form, allow_redirects=False, timeout=10)
        pytest.fail("the pages lead nowhere")


@pytest.fixture(scope="module")
def process(
    node: Path, client_key: PrivateKey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Node]:
    public = client_key.public_jwk()
    jwk = json.dumps({**public, "kid": thumbprint(public), "alg": "RS256"})
    command = ["node", str(node / "provider.mjs"), jwk]
    out = tmp_path_factory.mktemp("provider") / "out"
    with running(command, out, lines=3) as (issuer, api, control):
        provider = Node(issuer, api, control, client_key)
        with provider.session:
            yield provider


@pytest.fixture
def provider(process: Node) -> Node:
    process.seen()  # what the test before left
    return process


@pytest.fixture(scope="module")
def key() -> PrivateKey:
    return generate_key("ES256")


def test_token_and_call_succeed_after_one_challenge_each(provider: Node, key: PrivateKey) -> None:
    auth = provider.auth(key)
    answer = provider.get(auth)
    assert answer.status_code == 200
    assert answer.json()["client_id"] == "post"
    assert answer.json()["cnf"]["jkt"] == thumbprint(key.public_jwk())
    assert auth.token is not None and auth.token.token_type == "DPoP"
    assert [one.status_code for one in answer.history] == [401]
    assert provider.seen() == TOKEN_DANCE + API_DANCE


def test_a_second_call_costs_one_request(provider: Node, key: PrivateKey) -> None:
    auth = provider.auth(key)
    provider.get(auth)
    provider.seen()
    assert provider.get(auth).status_code == 200
    assert provider.seen() == ["api GET 200"]


def test_a_rotated_nonce_costs_one_more_request(provider: Node, key: PrivateKey) -> None:
    auth = provider.auth(key)
    provider.get(auth)
    provider.rotate()
    provider.seen()
    assert provider.get(auth).status_code == 200
    assert provider.get(auth).status_code == 200
    assert provider.seen() == [*API_DANCE, "api GET 200"]


def test_an_expired_token_is_renewed_though_the_nonce_has_expired_with_it(
    provider: Node, key: PrivateKey
) -> None:
    auth = provider.auth(key)
    provider.get(auth)
    first = auth.token
    provider.seen()
    provider.later(660)
    assert provider.get(auth).status_code == 200
    assert auth.token != first
    assert provider.seen() == [*TOKEN_DANCE, "api GET 200"]


@pytest.mark.parametrize("alg", ["ES256", "ES384", "ES512", "RS256", "PS256", "EdDSA"])
def test_proofs_of_every_kind_of_key_are_taken(provider: Node, alg: str) -> None:
    key = generate_key(alg)
    answer = provider.get(provider.auth(key))
    assert answer.status_code == 200
    assert answer.json()["cnf"]["jkt"] == thumbprint(key.public_jwk())


def test_a_secret_in_a_basic_header_is_taken(provider: Node, key: PrivateKey) -> None:
    auth = provider.auth(key, client_id="basic", client_auth="client_secret_basic")
    assert provider.get(auth).json()["client_id"] == "basic"


def test_the_token_endpoint_is_found_from_the_issuer(provider: Node, key: PrivateKey) -> None:
    auth = provider.auth(key, token_endpoint=None, issuer=provider.issuer)
    assert provider.get(auth).status_code == 200


def test_a_client_assertion_is_made_anew_with_the_nonce(provider: Node, key: PrivateKey) -> None:
    answer = provider.get(provider.with_assertion(key))
    assert answer.json()["client_id"] == "assertion"
    assert provider.seen() == TOKEN_DANCE + API_DANCE


@pytest.mark.parametrize(
    "client",
    [
        {"client_id": "post", "client_secret": "secret"},
        {"client_id": "basic", "client_secret": "secret", "client_auth": "client_secret_basic"},
        {"client_id": "mac", "client_secret": "secret" * 6, "client_auth": "client_secret_jwt"},
        {"client_id": "assertion"},
    ],
    ids=lambda client: client["client_id"],
)
def test_a_lab_for_this_issuer_knows_the_ways_of_its_clients(
    provider: Node, key: PrivateKey, client_key: PrivateKey, client: dict[str, Any]
) -> None:
    if client["client_id"] == "assertion":
        kid = thumbprint(client_key.public_jwk())
        client = {**client, "client_key": client_key, "client_key_id": kid}
    issuer = {"issuer": provider.issuer, "assertion_audience": provider.issuer}
    with Lab(api=provider.api, scope="read", **issuer, **client) as lab:
        lab.clock.advance(provider.clock() - time.time())
        auth = lab.auth(key=key, parameters={"resource": provider.api})
        assert lab.session.get(lab.api, auth=auth).json()["client_id"] == client["client_id"]
    assert provider.seen()[-4:] == TOKEN_DANCE + API_DANCE


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"parameters": {"resource": "no URI"}}, "invalid_target"),
    ],
)
def test_a_refused_token_request_is_told_in_the_servers_words(
    provider: Node, key: PrivateKey, changed: dict[str, Any], error: str
) -> None:
    with pytest.raises(TokenRefused) as refused:
        provider.get(provider.auth(key, **changed))
    assert refused.value.error == error
    assert refused.value.response.status_code in (400, 401)


def test_an_assertion_signed_with_the_wrong_key_is_told(provider: Node, key: PrivateKey) -> None:
    with pytest.raises(TokenRefused) as refused:
        provider.get(provider.with_assertion(key, generate_key("RS256")))
    assert refused.value.error == "invalid_client"
    assert provider.seen() == ["as POST 401"]


def test_a_token_bound_to_another_key_is_renewed_once_and_the_refusal_returned(
    provider: Node, key: PrivateKey
) -> None:
    source = TokenSource(
        key=key,
        token_endpoint=provider.token_endpoint,
        authenticate=lambda now: ({}, {"client_id": "post", "client_secret": "secret"}),
        parameters={
            "grant_type": "client_credentials",
            "scope": "read",
            "resource": provider.api,
        },
        clock=provider.clock,
        session=provider.session,
    )
    answer = provider.get(DPoPAuth(generate_key("ES256"), source, clock=provider.clock))
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert provider.seen() == [*TOKEN_DANCE, "api GET 401", "as POST 200", "api GET 401"]


# people

SECRET = {"client_secret": "secret", "client_auth": "client_secret_post"}


@pytest.mark.parametrize(
    ("client_id", "changed"),
    [("app", {}), ("app", {"push": True}), ("site", {**SECRET, "push": True})],
    ids=["public", "public pushed", "confidential pushed"],
)
def test_a_person_signs_in_and_the_token_is_renewed_with_the_same_key(
    provider: Node, client_id: str, changed: dict[str, Any]
) -> None:
    auth = provider.signs_in(client_id, **changed)
    url = auth.sign_in.begin(resource=provider.api, prompt="consent")
    pushed = ["as POST 400", "as POST 201"] if changed.get("push") else []
    assert provider.seen() == pushed
    assert ("request_uri=" in url) == bool(pushed)
    there = provider.browse(url)
    provider.seen()

    first = auth.sign_in.finish(there)
    assert first.token_type == "DPoP"
    assert auth.sign_in.person["sub"] == "alice"
    # a nonce that the PAR endpoint gave is good at the token endpoint
    assert provider.seen() == (["as POST 200"] if pushed else TOKEN_DANCE)
    answer = provider.get(auth)
    assert answer.json()["client_id"] == client_id
    assert answer.json()["cnf"]["jkt"] == auth.sign_in.jkt
    assert provider.seen() == API_DANCE

    provider.later(660)
    assert provider.get(auth).status_code == 200
    assert auth.token != first
    assert provider.seen() == [*TOKEN_DANCE, "api GET 200"]

    auth.revoke()
    assert auth.token is None
    provider.seen()


@pytest.mark.parametrize("push", [False, True])
def test_userinfo_takes_the_bound_token_with_a_proof(provider: Node, push: bool) -> None:
    auth = provider.signs_in("app", push=push, scope="openid")
    auth.sign_in.finish(provider.browse(auth.sign_in.begin()))
    answer = provider.session.get(f"{provider.issuer}/me", auth=auth, timeout=10)
    assert answer.json() == {"sub": "alice"}


def test_a_code_is_good_with_the_key_of_dpop_jkt_alone(provider: Node) -> None:
    owner, thief = provider.signs_in("app"), provider.signs_in("app")
    there = provider.browse(owner.sign_in.begin())
    thief.sign_in.asked = owner.sign_in.asked  # state and verifier were stolen, too
    with pytest.raises(TokenRefused) as refused:
        thief.sign_in.finish(there)
    assert refused.value.error == "invalid_grant"


def test_a_no_of_the_person_is_told(provider: Node) -> None:
    auth = provider.signs_in("app")
    with requests.Session() as browser:
        browser.trust_env = False
        page = browser.get(auth.sign_in.begin(), timeout=10)
        abort = re.search(r'href="([^"]+/abort)"', page.text)
        assert abort
        answer = browser.get(urljoin(page.url, abort[1]), allow_redirects=False, timeout=10)
        answer = browser.get(answer.headers["Location"], allow_redirects=False, timeout=10)
    with pytest.raises(LabError, match="access_denied"):
        auth.sign_in.finish(answer.headers["Location"])
