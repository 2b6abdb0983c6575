"""Clients nobody here wrote complete the flow against `dpop-lab serve`, under both policies."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from processes import run_client

Result = dict[str, Any]
Flow = Callable[..., Result]

CLIENTS = ("oauth4webapi", "openid-client", "requests-oauth2client", "curl")
LIBRARIES = CLIENTS[:-1]
NODE = CLIENTS[:2]
POLICIES = ("duende", "rfc9449")
API_NONCE = pytest.mark.parametrize("options", [(), ("--api-nonce",)], ids=["plain", "api-nonce"])


@pytest.fixture
def flow(
    request: pytest.FixtureRequest, serve: Callable[..., str], client_process: Flow, client_jwk: str
) -> Flow:
    """Let a client run the whole flow: discovery, token, two calls; gives what it found."""

    def run(
        client: str,
        policy: str,
        *options: str,
        client_id: str = "m2m.dpop",
        alg: str = "ES256",
        authentication: str = "client_secret_post",
    ) -> Result:
        base = serve(policy, *options)
        scenario = {
            "ISSUER": base,
            "API": f"{base}/api/dpop/test",
            "CLIENT_ID": client_id,
            "AUTHENTICATION": authentication,
            "ALG": alg,
            "SCOPE": "api",
            "CLIENT_JWK": client_jwk,
        }
        asked = run_client if client == "curl" else client_process
        return asked(_command(client, request), scenario)

    return run


def _command(client: str, request: pytest.FixtureRequest) -> list[str]:
    here = Path(__file__).parent
    if client in (*NODE, "guarded-api"):
        return ["node", str(request.getfixturevalue("node") / f"{client}.mjs")]
    if client == "requests-oauth2client":
        script = here / "python" / "requests-oauth2client.py"
        return [str(request.getfixturevalue("other_python")), str(script)]
    return [request.getfixturevalue("bash"), str(here / "curl.sh")]


def claims_of(answer: Result) -> Result:
    """The API's list of types and values as one object."""
    return {one["type"]: one["value"] for one in answer["claims"]}


def assert_complete(result: Result, *, client_id: str) -> None:
    """A bound token came, and the API took it twice with proofs of the client's own key."""
    assert "failure" not in result, result
    assert result["token_type"].lower() == "dpop"
    assert [answer["status"] for answer in result["api"]] == [200, 200]
    for answer in result["api"]:
        claims = claims_of(answer)
        assert claims["client_id"] == client_id
        assert json.loads(claims["cnf"])["jkt"] == result["jkt"]
        assert claims["authorization_scheme"].lower() == "dpop"
        assert claims["scope"] == "api"


@API_NONCE
@pytest.mark.parametrize("client_id", ["m2m.dpop", "m2m.dpop.nonce"])
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_nobody_here_wrote_completes_the_flow(
    flow: Flow, client: str, policy: str, client_id: str, options: tuple[str, ...]
) -> None:
    result = flow(client, policy, *options, client_id=client_id)
    assert_complete(result, client_id=client_id)
    refusals = [status for status in result["statuses"] if status != 200]
    assert refusals == [400] * (client_id == "m2m.dpop.nonce") + [401] * bool(options)


@pytest.mark.parametrize("alg", ["ES384", "ES512", "RS256", "PS256"])
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("client", ["oauth4webapi", "requests-oauth2client"])
def test_every_algorithm_both_policies_know_is_taken_from_it(
    flow: Flow, client: str, policy: str, alg: str
) -> None:
    result = flow(client, policy, "--api-nonce", client_id="m2m.dpop.nonce", alg=alg)
    assert_complete(result, client_id="m2m.dpop.nonce")


ED25519 = [(client, alg) for client in NODE for alg in ("Ed25519", "EdDSA")]
ED25519 += [("requests-oauth2client", "EdDSA")]


@pytest.mark.parametrize(("client", "alg"), ED25519)
def test_an_ed25519_key_is_taken_under_rfc9449(flow: Flow, client: str, alg: str) -> None:
    result = flow(client, "rfc9449", "--api-nonce", client_id="m2m.dpop.nonce", alg=alg)
    assert_complete(result, client_id="m2m.dpop.nonce")


@pytest.mark.parametrize(("client", "alg"), ED25519)
def test_the_demos_refusal_of_an_ed25519_key_reaches_the_client(
    flow: Flow, client: str, alg: str
) -> None:
    result = flow(client, "duende", alg=alg)
    failure = result["failure"]
    assert (failure["status"], failure["error"]) == (400, "invalid_dpop_proof")
    assert failure["error_description"] == "Invalid 'alg' value."
    assert result["statuses"][-1] == 400


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_secret_is_taken_in_a_basic_header_too(flow: Flow, client: str, policy: str) -> None:
    result = flow(client, policy, client_id="m2m.dpop.nonce", authentication="client_secret_basic")
    assert_complete(result, client_id="m2m.dpop.nonce")


@pytest.mark.parametrize("client_id", ["m2m.jwt", "interactive.confidential.jwt.dpop"])
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("client", LIBRARIES)
def test_a_client_assertion_is_taken_and_a_fresh_one_with_the_nonce(
    flow: Flow, client: str, policy: str, client_id: str
) -> None:
    result = flow(
        client, policy, "--api-nonce", client_id=client_id, authentication="private_key_jwt"
    )
    assert_complete(result, client_id=client_id)
    assert result["statuses"].count(400) == (client_id == "interactive.confidential.jwt.dpop")


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("client", CLIENTS)
def test_an_unknown_client_is_told_so(flow: Flow, client: str, policy: str) -> None:
    failure = flow(client, policy, client_id="nobody")["failure"]
    assert failure["error"] == "invalid_client"
    assert failure["status"] == (400 if policy == "duende" else 401)


def test_an_api_nobody_here_wrote_takes_a_token_issued_under_rfc9449(flow: Flow) -> None:
    result = flow("guarded-api", "rfc9449")
    assert "failure" not in result, result
    assert result["claims"]["client_id"] == "m2m.dpop"
    assert result["claims"]["cnf"]["jkt"] == result["jkt"]
