"""Where requests go, who sends them, and with which access token."""

from dataclasses import dataclass

OWNER = "the owner"
THIEF = "a thief with the token"
CATCHER = "a thief with the token and a captured proof"
MIDDLE = "a man in the middle"
NOBODY = "nobody"
ACTORS = {
    OWNER: "a client with its own key, by mistake or on purpose",
    THIEF: "who has a stolen access token and a key of their own",
    CATCHER: "who has the token and an honest request that went over the wire, with its public key",
    MIDDLE: "who can change a request or an answer on its way, and signs nothing",
    NOBODY: "who would need the authorization server's own key",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A target of requests: a token endpoint, which has a client, or an API, which has a scheme."""

    #: The names of the profiles it is held to, in order.
    profiles: tuple[str, ...]
    #: Who asks there.
    client_id: str = ""
    #: Of the Authorization header.
    scheme: str = ""
    nonce: bool = False
    method: str = "GET"


TOKEN_ENDPOINT = "token endpoint"  # noqa: S105  a place
TOKEN_ENDPOINT_NONCE = "token endpoint with nonce"  # noqa: S105  another
API = "API"
API_NONCE = "API with nonce"
BEARER_API = "Bearer API"
PLACES = {
    API: Place(profiles=("bound", "api"), scheme="DPoP"),
    TOKEN_ENDPOINT: Place(profiles=("token",), client_id="m2m.dpop", method="POST"),
    API_NONCE: Place(profiles=("bound", "api_nonce"), scheme="DPoP", nonce=True),
    TOKEN_ENDPOINT_NONCE: Place(
        profiles=("token_nonce",), client_id="m2m.dpop.nonce", nonce=True, method="POST"
    ),
    BEARER_API: Place(profiles=("bearer",), scheme="Bearer"),
}
WITH_PROOF = (API, TOKEN_ENDPOINT, API_NONCE, TOKEN_ENDPOINT_NONCE)
WITH_TOKEN = (API, API_NONCE)
WITH_NONCE = (API_NONCE, TOKEN_ENDPOINT_NONCE)
WITH_FORM = (TOKEN_ENDPOINT, TOKEN_ENDPOINT_NONCE)
SIGNERS = ("owner", "thief", "nobody")
ISSUER = "issuer"  # a fourth signer, of access tokens alone
TOKENS = {  # the access tokens at hand
    "owner": "bound to the owner's key",
    "another": "bound to the owner's key too, issued later",
    "thief": "issued to the thief, bound to the thief's key",
    "unbound": "bound to no key",
    "scope3": "bound to the owner's key, for no API in particular",
    "resource1": "bound to the owner's key, for another API",
}
