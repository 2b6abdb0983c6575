"""The nonces servers have given, kept for each origin, and whether one is asked for."""

import re
from threading import Lock

import requests

from dpop_lab.client.token import json_object
from dpop_lab.wire.challenge import NONCE_WANTED, read_challenges, wants_nonce
from dpop_lab.wire.url import origin

NONCE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 9449 section 8.1
ORIGINS = 100


def offered_nonce(response: requests.Response) -> str | None:
    """The value of the DPoP-Nonce header if it is one (two lines joined by a comma are none)."""
    text = response.headers.get("DPoP-Nonce", "")
    return text if NONCE.fullmatch(text) else None


def asks_for_nonce(refusal: requests.Response, *, in_body: bool = True) -> bool:
    """Does this refusal ask for a nonce, by a challenge or, if that may be read, in its JSON?"""
    if wants_nonce(read_challenges(refusal.headers.get("WWW-Authenticate", ""))):
        return True
    error = json_object(refusal).get("error") if in_body else None
    return isinstance(error, str) and error.lower() == NONCE_WANTED


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
        nonce = offered_nonce(response)
        if nonce is not None:
            with self._lock:
                self._kept.pop(origin(response.url), None)
                self._kept[origin(response.url)] = nonce
                if len(self._kept) > ORIGINS:
                    del self._kept[next(iter(self._kept))]
        return nonce
