"""The client against the offline twin: the demo server's clients, nonces, expiry and wording."""

from typing import Any

import pytest

from dpop_lab.client.auth import DPoPAuth
from dpop_lab.client.token import TokenRefused
from dpop_lab.errors import LabError
from dpop_lab.jose.encoding import thumbprint
from dpop_lab.jose.jws import read_jws
from dpop_lab.jose.keys import PrivateKey, generate_key
from dpop_lab.lab.lab import Lab
from dpop_lab.proof import make_proof, read_proof


@pytest.mark.parametrize("alg", ["ES256", "ES384", "PS256", "RS256"])
@pytest.mark.parametrize("client_id", ["m2m.dpop", "m2m.dpop.nonce"])
def test_the_demos_clients_are_accepted_with_every_kind_of_key(client_id: str, alg: str) -> None:
    with Lab() as lab:
        auth = lab.auth(client_id, key=generate_key(alg))
        for method in ("GET", "POST", "DELETE"):
            assert lab.session.request(method, lab.api, auth=auth, params={"a": "b"}).ok
        expected = [400, 200] if client_id.endswith("nonce") else [200]
        assert [one.status for one in lab.log] == [*expected, 200, 200, 200]


def test_an_api_that_wants_nonces_is_asked_twice_once() -> None:
    with Lab(api_nonce=True) as lab:
        auth = lab.auth()
        assert [len(lab.session.get(lab.api, auth=auth).history) for _ in range(3)] == [1, 0, 0]


def test_a_token_the_api_calls_expired_is_renewed() -> None:
    with Lab() as lab:
        auth = lab.auth()
        lab.session.get(lab.api, auth=auth)
        first = auth.token
        lab.clock.advance(4000)
        response = lab.session.get(lab.api, auth=auth)
        assert response.ok
        assert auth.token != first


def by_key(lab: Lab, client_id: str, key: PrivateKey) -> DPoPAuth:
    return DPoPAuth.client_credentials(
        key=key,
        client_id=client_id,
        client_key=lab.client_key,
        client_key_id=lab.client_key_id,
        issuer=lab.base_url,
        scope="api",
        session=lab.session,
        clock=lab.clock.time,
    )


@pytest.mark.parametrize("client_id", ["m2m.jwt", "interactive.confidential.jwt.dpop"])
def test_private_key_jwt_works_with_the_nonce_retry_too(client_id: str) -> None:
    with Lab() as lab:
        assert lab.session.get(lab.api, auth=by_key(lab, client_id, generate_key())).ok


def test_a_wrong_secret_is_told_in_the_servers_words() -> None:
    with Lab() as lab:
        auth = DPoPAuth.client_credentials(
            key=generate_key(),
            token_endpoint=lab.token_endpoint,
            client_id="m2m.dpop",
            client_secret="wrong",
            session=lab.session,
        )
        with pytest.raises(TokenRefused) as caught:
            lab.session.get(lab.api, auth=auth)
        assert caught.value.error == "invalid_client"
        assert caught.value.token_type == ""


def test_the_echo_of_a_proof_is_redacted_in_the_log() -> None:
    with Lab() as lab:
        claims = lab.session.get(lab.api, auth=lab.auth()).json()
        (echoed,) = [one["value"] for one in claims if one["type"] == "proof_token"]
        assert read_proof(echoed).claims["htu"] == lab.api
        assert echoed not in lab.log.text()
        assert '"proof_token","value":"<proof 2>"' in lab.log.text()


def test_the_same_holds_over_a_socket() -> None:
    with Lab(carrier="socket") as lab:
        response = lab.session.get(lab.api, auth=lab.auth("m2m.dpop.nonce"))
        assert response.ok
        assert [one.status for one in lab.log] == [400, 200, 200]


def test_a_proof_of_the_lab_is_of_this_moment_and_says_what_it_is_told_to() -> None:
    with Lab() as lab:
        key, url = generate_key(), lab.api + "?page=2"
        lab.clock.advance(1000)
        proof = read_proof(lab.proof(key, "GET", url, access_token="at", nonce="n"))
        honest = dict(proof.claims)
        by_name = make_proof(key, access_token="at", nonce="n", **{**said(honest), "htu": url})
        assert read_proof(by_name).claims == honest
        assert abs(honest["iat"] - lab.clock.now()) <= 1
        assert honest["jti"] != read_proof(lab.proof(key, "GET", url)).claims["jti"]
        wrong = read_proof(lab.proof(key, "GET", url, iat=None, jti="", more=[1]))
        assert wrong.claims == {"jti": "", "htm": "GET", "htu": lab.api, "more": [1]}
        assert wrong.problem == ""
        with pytest.raises(LabError):
            lab.proof(key.public_jwk(), "GET", url)  # type: ignore[arg-type]
        with pytest.raises(LabError):
            lab.proof(key, "GET", None)  # type: ignore[arg-type]


def said(claims: dict[str, Any]) -> dict[str, Any]:
    """The claims that `make_proof` takes as arguments."""
    return {name: claims[name] for name in ("jti", "htm", "htu", "iat")}


def test_a_token_is_asked_for_by_any_of_the_demos_clients_and_an_answer_stays_as_it_came() -> None:
    with Lab() as lab:
        key = generate_key()
        for client_id in ("m2m", "m2m.dpop", "m2m.jwt"):
            proof = lab.proof(key, "POST", lab.token_endpoint)
            tokens = [lab.ask(client_id, proof=proof).json(), lab.ask(client_id, key=key).json()]
            assert [one["token_type"] for one in tokens] == ["DPoP", "DPoP"]
            claims = read_jws(tokens[1]["access_token"]).claims
            assert claims["client_id"] == client_id
            assert claims["cnf"]["jkt"] == thumbprint(key.public_jwk())
        assert lab.session.get(lab.api, auth=lab.auth("m2m.jwt", key=key)).ok
        assert lab.ask("m2m").json()["token_type"] == "Bearer"
        refused = lab.ask("m2m.dpop.nonce", key=key)
        assert (refused.status_code, refused.json()["error"]) == (400, "use_dpop_nonce")
        nonce = refused.headers["DPoP-Nonce"]
        assert lab.ask("m2m.dpop.nonce", key=key, nonce=nonce).ok
        wrong = {"client_secret": "x", "scope": "openid", "grant_type": None}
        errors = [lab.ask("m2m", **{name: wrong[name]}).json()["error"] for name in wrong]
        assert errors == ["invalid_client", "invalid_scope", "unsupported_grant_type"]
        for odd in ({"proof": proof, "key": key}, {"nonce": nonce}, {"proof": "", "nonce": nonce}):
            with pytest.raises(LabError):
                lab.ask("m2m", **odd)
