"""The client against the offline twin: the demo server's clients, nonces, expiry and wording."""

import pytest

from dpop_lab.client.auth import DPoPAuth
from dpop_lab.client.token import TokenRefused, WrongTokenType
from dpop_lab.jose.keys import PrivateKey, generate_key
from dpop_lab.lab.lab import Lab
from dpop_lab.proof import read_proof


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
        assert not isinstance(caught.value, WrongTokenType)


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
