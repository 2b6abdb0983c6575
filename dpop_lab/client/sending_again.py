"""What sending a request a second time takes: nonce, proof, body, cookies, and where it goes."""

import json
import secrets
from contextlib import suppress
from threading import Lock
from typing import Any, Self

import requests
from requests.cookies import extract_cookies_to_jar
from requests.exceptions import UnrewindableBodyError
from requests.structures import CaseInsensitiveDict
from requests.utils import rewind_body

from dpop_lab.errors import LabError
from dpop_lab.jose.encoding import from_json
from dpop_lab.jose.keys import PrivateKey
from dpop_lab.proof import make_proof, read_proof
from dpop_lab.wire.syntax import (
    NONCE_WANTED,
    htu,
    offered_nonce,
    origin,
    read_challenges,
    wants_nonce,
)

ORIGINS = 100


def asks_for_nonce(refusal: requests.Response, *, in_body: bool = True) -> bool:
    """Does this refusal ask for a nonce, by a challenge or, if that may be read, in its JSON?"""
    if wants_nonce(read_challenges(refusal.headers.get("WWW-Authenticate", ""))):
        return True
    error = json_object(refusal).get("error") if in_body else None
    return isinstance(error, str) and error.lower() == NONCE_WANTED


def json_of(response: requests.Response) -> Any:
    """The JSON value of a body: of UTF-8, as it should be (RFC 8259), or else of its charset.

    None for what is no JSON, and for too many brackets.
    """
    octets = response.content
    with suppress(ValueError, RecursionError):  # of a charset that can't decode, too
        try:
            text = octets.decode(json.detect_encoding(octets))
        except UnicodeDecodeError:
            text = response.text
        return from_json(text)
    return None


def json_object(response: requests.Response) -> dict[str, object]:
    """The JSON object in a body, an empty one if there is none."""
    value = json_of(response)
    return value if isinstance(value, dict) else {}


class Nonces:
    """The latest nonce of each of the last hundred origins; safe for threads."""

    def __init__(self) -> None:
        self._kept: dict[object, str] = {}
        self._lock = Lock()

    def get(self, url: str) -> str | None:
        """The nonce to send to this URL, None if its origin gave none."""
        return self._kept.get(origin(url))

    def learn(self, response: requests.Response) -> str | None:
        """Keep the nonce that a response carried, if any; gives it."""
        nonce = offered_nonce(response.headers)
        if nonce is not None:
            with self._lock:
                self._kept.pop(origin(response.url), None)
                self._kept[origin(response.url)] = nonce
                if len(self._kept) > ORIGINS:
                    del self._kept[next(iter(self._kept))]
        return nonce


class OnceOnly(str):
    """A header's value that is written into one request: a proof is for one (RFC 9449 section 4.2).

    Where the adapter of a session repeats requests by itself, as with urllib3's `Retry`, neither
    requests nor an auth object nor the session log hears of it. But each time http.client writes
    the header it encodes it as latin-1: the second time raises `LabError`, and nothing is sent.
    Over plain http a plain `HTTPAdapter` writes the headers before it connects, so that it is
    also stopped when it tries a refused connection again; a `BoundedAdapter` connects first.
    """

    _written = False

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """The octets, as those of any other text."""
        if encoding == "latin-1":
            if self._written:
                problem = "The same proof was about to be sent again"
                advice = "Either the request was prepared once and sent twice, or an HTTPAdapter "
                advice += "with max_retries repeats it by itself, perhaps since the connection was "
                advice += "refused. Make the call again without that: it signs a new proof."
                raise LabError(problem, wanted="a new proof for each request", advice=advice)
            self._written = True
        return super().encode(encoding, errors)


def fresh_proof(
    key: PrivateKey,
    request: requests.Request | requests.PreparedRequest,
    *,
    now: float,
    access_token: str | None = None,
    nonce: str | None = None,
) -> OnceOnly:
    """A new proof for this request, made at `now` and good for one sending."""
    proof = make_proof(
        key,
        jti=secrets.token_urlsafe(16),
        htm=str(request.method),
        htu=htu(str(request.url)),
        iat=int(now),
        access_token=access_token,
        nonce=nonce,
    )
    return OnceOnly(proof)


def answered(request: requests.PreparedRequest) -> None:
    """Take note that an answer came: if its request is sent again, the caller wants it so."""
    proof = request.headers.get("DPoP")
    if isinstance(proof, OnceOnly):
        request.headers["DPoP"] = str(proof)


def rewound(request: requests.PreparedRequest) -> bool:
    """Can the body be sent again? A file is wound back; a generator cannot be."""
    if request.body is None or isinstance(request.body, bytes | str | bytearray):
        return True
    try:
        rewind_body(request)
    except (UnrewindableBodyError, ValueError):  # ValueError: the file was closed
        return False
    return True


def copy_with_cookies(response: requests.Response) -> requests.PreparedRequest:
    """A copy of the request that got this response, with the cookies the response set."""
    again: Any = response.request.copy()
    if "Set-Cookie" in response.headers:
        again.headers.pop("Cookie", None)
        extract_cookies_to_jar(again._cookies, again, response.raw)  # type: ignore[no-untyped-call]
        again.prepare_cookies(again._cookies)
    prepared: requests.PreparedRequest = again
    return prepared


def redirected(
    response: requests.Response, request: requests.PreparedRequest
) -> requests.PreparedRequest:
    """The request that requests will make of `request` to follow this redirect; not sent.

    Asked of requests itself, so that method and URL are the very ones it will use. An empty
    Location, which requests does not follow, gives `request`.
    """
    session = requests.Session()
    session.max_redirects, session.trust_env = 1, False
    following: requests.PreparedRequest = next(
        session.resolve_redirects(response, request, yield_requests=True), request
    )
    return following


class WithoutNetrc(CaseInsensitiveDict[str]):
    """Headers of a request that may be redirected, into which no Basic credentials are written.

    requests copies the headers for a redirect and then writes over the copy what a netrc file has
    for that host, or by default: on our origin that would be beside a proof, on another one it
    would be sent to whoever the redirect names.
    """

    def __setitem__(self, name: str, value: str) -> None:
        if name.lower() != "authorization" or not str(value).startswith("Basic "):
            super().__setitem__(name, value)

    def copy(self) -> Self:
        """A copy that takes none either."""
        return type(self)(self)


def tried_nonces(response: requests.Response) -> set[object]:
    """The nonces in the proofs of this request and of those it repeats."""
    sent = [one.request.headers.get("DPoP", "") for one in (*response.history, response)]
    return {read_proof(str(proof)).claims.get("nonce") for proof in sent}


def without_credentials(
    request: requests.PreparedRequest, response: requests.Response
) -> requests.PreparedRequest | None:
    """Take token and proof off the request that requests is about to copy for a redirect.

    requests would drop `Authorization` but forward `DPoP`. What a netrc file holds goes nowhere,
    now and at each further redirect. Gives the request that follows, for a proof of its own, where
    it goes to the same origin, else None.
    """
    if response.request is request:
        response.request = request.copy()  # what was sent stays on record
    for name in ("Authorization", "DPoP"):
        request.headers.pop(name, None)
    request.headers = WithoutNetrc(request.headers)
    following = redirected(response, request)
    return following if origin(str(following.url)) == origin(response.url) is not None else None
