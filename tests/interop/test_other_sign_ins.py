"""People sign in with clients nobody here wrote, at `dpop-lab serve`, under both policies."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
CLIENTS = ("oauth4webapi", "openid-client", "requests-oauth2client")
POLICIES = ("duende", "rfc9449")
ALICE = {
    "sub": "1", "name": "Alice Smith", "given_name": "Alice", "family_name": "Smith",
    "website": "http://alice.example.com",
}  # fmt: skip
SignIn = Callable[..., dict[str, Any]]


@pytest.fixture
def sign_in(
    request: pytest.FixtureRequest,
    serve: Callable[..., str],
    client_process: SignIn,
    client_jwk: str,
) -> SignIn:
    """Let a client do all that a sign-in is good for, from discovery to revocation."""

    def run(client: str, policy: str, client_id: str, authentication: str, push: str) -> Any:
        base = serve(policy)
        scenario = {
            "ISSUER": base,
            "API": f"{base}/api/dpop/test",
            "CLIENT_ID": client_id,
            "AUTHENTICATION": authentication,
            "ALG": "ES256",
            "SCOPE": "openid profile api offline_access",
            "CLIENT_JWK": client_jwk,
            "REDIRECT_URI": "http://127.0.0.1:4711/callback",
            "PUSH": push,
        }
        if client in CLIENTS[:2]:
            node = request.getfixturevalue("node")
            return client_process(["node", str(node / f"{client}-code.mjs")], scenario)
        python = request.getfixturevalue("other_python")
        return client_process([str(python), str(HERE / "python" / f"{client}-code.py")], scenario)

    return run


@pytest.mark.parametrize(
    ("client_id", "authentication", "push"),
    [
        ("native.dpop", "none", "yes"),
        ("native.dpop", "none", "no"),
        ("interactive.confidential", "client_secret_post", "yes"),
        ("interactive.confidential.jwt.dpop", "private_key_jwt", "yes"),
    ],
)
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_person_signs_in_with_a_client_nobody_here_wrote(
    sign_in: SignIn, client: str, policy: str, client_id: str, authentication: str, push: str
) -> None:
    result = sign_in(client, policy, client_id, authentication, push)
    assert "failure" not in result, result
    assert (result["token_type"].lower(), result["sub"]) == ("dpop", "1")
    for answer in result["api"]:  # with the first token, and with the refreshed one
        assert answer["status"] == 200
        claims = {one["type"]: one["value"] for one in answer["claims"]}
        assert (claims["client_id"], claims["sub"]) == (client_id, "1")
        assert json.loads(claims["cnf"])["jkt"] == result["jkt"]
    told = result["introspected"]
    assert (told["active"], told["scope"], told["cnf"]) == (True, "api", {"jkt": result["jkt"]})
    # the demo knows no DPoP at userinfo
    assert result["userinfo"].get("bearer" if policy == "duende" else "bound") == ALICE
    assert ("refused" in result["userinfo"]) == (policy == "duende")
    assert result["rotated"] == (policy == "rfc9449" and authentication == "none")
    assert result["after"] == "invalid_grant"
    if "statuses" in result:  # a nonce was asked for once, and the last refresh was refused
        assert result["statuses"].count(400) == 1 + (client_id != "interactive.confidential")


@pytest.mark.parametrize(
    ("client_id", "authentication"),
    [("interactive.public", "none"), ("interactive.confidential", "client_secret_post")],
)
@pytest.mark.parametrize("policy", POLICIES)
def test_a_client_that_knows_no_dpop_gets_bearer_tokens(
    sign_in: SignIn, policy: str, client_id: str, authentication: str
) -> None:
    """Authlib makes no proofs: its tokens are good at the Bearer API, and at that alone."""
    result = sign_in("authlib", policy, client_id, authentication, "no")
    assert (result["token_type"], result["api"]) == ("Bearer", [200, 401])
    assert result["userinfo"] == ALICE
    assert result["introspected"]["active"] and "cnf" not in result["introspected"]
    assert result["rotated"] == (authentication == "none")
    assert (result["revoked"], result["after"]) == (200, "invalid_grant")
