"""A person signs in with PyPI requests-oauth2client, in the manner of its README."""

import json

import requests
from person import sign_in
from requests_oauth2client import (
    BearerToken,
    ClientSecretPost,
    OAuth2Client,
    OAuth2Error,
    PrivateKeyJwt,
    PublicApp,
)
from scenario import ask, report


def authentication() -> requests.auth.AuthBase:
    if ask["AUTHENTICATION"] == "none":
        return PublicApp(ask["CLIENT_ID"])
    if ask["AUTHENTICATION"] == "private_key_jwt":
        # by itself the audience is the endpoint's URL: at the revocation endpoint no RFC has it so
        return PrivateKeyJwt(ask["CLIENT_ID"], json.loads(ask["CLIENT_JWK"]), aud=ask["ISSUER"])
    return ClientSecretPost(ask["CLIENT_ID"], "secret")


def userinfo(client: OAuth2Client, token: BearerToken) -> dict[str, object]:
    """What userinfo tells under DPoP with a proof, else under Bearer."""
    url = client.userinfo_endpoint
    answer = requests.post(url, auth=token, timeout=10)
    if answer.ok:
        return {"bound": answer.json()}
    bearer = {"Authorization": f"Bearer {token.access_token}"}
    told = requests.get(url, headers=bearer, timeout=10)
    return {"refused": answer.status_code, "bearer": told.json()}


def flow() -> dict[str, object]:
    server = {"issuer": ask["ISSUER"], "testing": True}  # a loopback port, without TLS
    client = OAuth2Client.from_discovery_endpoint(
        **server, auth=authentication(), redirect_uri=ask["REDIRECT_URI"]
    )

    # the browser's part
    asked = client.authorization_request(scope=ask["SCOPE"], dpop=True)
    sent = client.pushed_authorization_request(asked) if ask["PUSH"] == "yes" else asked
    there = sign_in(sent.uri, "alice", ask["REDIRECT_URI"])
    told = asked.validate_callback(there)  # state and iss

    # tokens
    first = client.authorization_code(told, validate=False)  # 1.8.0 loses the key as it validates
    refreshed = client.refresh_token(first)

    # what they are good for
    answers = [requests.get(ask["API"], auth=token, timeout=10) for token in (first, refreshed)]
    as_api = OAuth2Client.from_discovery_endpoint(**server, auth=("api", "secret"))
    introspected = as_api.introspect_token(refreshed.access_token)

    # the end
    last = refreshed.refresh_token or first.refresh_token
    found = {
        "token_type": first.token_type,
        "jkt": asked.dpop_jkt,
        "sub": first.id_token.sub,
        "api": [{"status": one.status_code, "claims": one.json()} for one in answers],
        "userinfo": userinfo(client, refreshed),
        "introspected": introspected,
        "rotated": last != first.refresh_token,
    }
    client.revoke_refresh_token(last)
    try:
        client.refresh_token(refreshed)
    except OAuth2Error as error:
        found["after"] = error.error
    return found


def told() -> dict[str, object]:
    """What came of the flow, or the library's own error."""
    try:
        return flow()
    except OAuth2Error as error:
        description = getattr(error, "description", None)
        return {"failure": {"name": type(error).__name__, "error_description": description}}


report(told)
