"""A person signs in with PyPI Authlib, in the manner of its docs; it makes no proofs of DPoP."""

import os

import requests
from authlib.integrations.requests_client import OAuth2Session
from person import sign_in
from scenario import ask, report

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "yes"  # a loopback port, without TLS


def flow() -> dict[str, object]:
    metadata = requests.get(f"{ask['ISSUER']}/.well-known/openid-configuration", timeout=10).json()

    client = OAuth2Session(
        ask["CLIENT_ID"],
        None if ask["AUTHENTICATION"] == "none" else "secret",
        token_endpoint_auth_method=ask["AUTHENTICATION"],
        scope=ask["SCOPE"],
        redirect_uri=ask["REDIRECT_URI"],
        code_challenge_method="S256",
        token_endpoint=metadata["token_endpoint"],
    )
    verifier = "v" * 48
    url, state = client.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=verifier, nonce="n"
    )
    there = sign_in(url, "alice", ask["REDIRECT_URI"])
    first = client.fetch_token(
        metadata["token_endpoint"],
        authorization_response=there,
        state=state,
        code_verifier=verifier,
    )
    old = dict(first)
    refreshed = client.refresh_token(metadata["token_endpoint"], first["refresh_token"])
    bearer_api = ask["API"].replace("/dpop", "")
    as_api = OAuth2Session("api", "secret")
    last = refreshed["refresh_token"]
    found = {
        "token_type": old["token_type"],
        "api": [client.get(bearer_api).status_code, client.get(ask["API"]).status_code],
        "userinfo": client.get(metadata["userinfo_endpoint"]).json(),
        "introspected": as_api.introspect_token(
            metadata["introspection_endpoint"], refreshed["access_token"]
        ).json(),
        "rotated": last != old["refresh_token"],
        "revoked": client.revoke_token(
            metadata["revocation_endpoint"], last, token_type_hint="refresh_token"
        ).status_code,
    }
    try:
        client.refresh_token(metadata["token_endpoint"], last)
    except Exception as error:
        found["after"] = error.error
    return found


report(flow)
