"""The flow with PyPI requests-oauth2client, in the manner of its README."""

import json

import requests
from jwskate import Jwk
from requests_oauth2client import (
    ClientSecretBasic,
    ClientSecretPost,
    DPoPKey,
    OAuth2Client,
    OAuth2ClientCredentialsAuth,
    OAuth2Error,
    PrivateKeyJwt,
)
from scenario import ask, report

statuses: list[int] = []


class Noting(requests.adapters.HTTPAdapter):
    """Notes each status; a response hook would not see the refusals that the library obeys."""

    def send(self, *args: object, **kwargs: object) -> requests.Response:
        response = super().send(*args, **kwargs)
        statuses.append(response.status_code)
        return response


def authentication() -> requests.auth.AuthBase:
    if ask["AUTHENTICATION"] == "private_key_jwt":
        return PrivateKeyJwt(ask["CLIENT_ID"], json.loads(ask["CLIENT_JWK"]))
    ways = {"client_secret_basic": ClientSecretBasic, "client_secret_post": ClientSecretPost}
    return ways[ask["AUTHENTICATION"]](ask["CLIENT_ID"], "secret")


def flow() -> dict[str, object]:
    session = requests.Session()
    session.mount("http://", Noting())
    client = OAuth2Client.from_discovery_endpoint(
        issuer=ask["ISSUER"],
        auth=authentication(),
        session=session,
        testing=True,  # the server is on a loopback port, without TLS
    )
    alg = ask["ALG"]
    rsa = {"key_size": 2048} if alg in ("RS256", "PS256") else {}  # by itself: 4096
    key = DPoPKey(Jwk.generate(alg=alg, **rsa))
    auth = OAuth2ClientCredentialsAuth(client, scope=ask["SCOPE"], dpop=True, dpop_key=key)
    answers = [
        session.request(method, url, auth=auth)
        for method, url in (("GET", ask["API"]), ("POST", ask["API"] + "?again=1"))
    ]
    api = [{"status": answer.status_code, "claims": answer.json()} for answer in answers]
    return {"token_type": auth.token.token_type, "jkt": key.dpop_jkt, "api": api}


def told() -> dict[str, object]:
    """What came of the flow, or the library's own error, and all statuses."""
    statuses.clear()
    try:
        result = flow()
    except OAuth2Error as error:
        result = {
            "failure": {
                "name": type(error).__name__,
                "error": getattr(error, "error", None),
                "error_description": getattr(error, "description", None),
                "status": error.response.status_code,
            }
        }
    return {**result, "statuses": statuses}


report(told)
