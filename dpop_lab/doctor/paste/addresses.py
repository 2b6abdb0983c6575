"""URLs by which a browser signs somebody in: authorization requests, and answers to them."""

import re

ASKS = re.compile(r"[?&](?:response_type|dpop_jkt)=|[?&]request_uri=urn")
RETURNS = re.compile(r"[?&#](?:error=[a-z_]+(?:&|$)|access_token=)")
CODE, BESIDE = re.compile(r"[?&#]code="), re.compile(r"[?&#](?:state|iss|session_state)=")
LONGEST = 16_000  # characters of a URL


def signs_in(url: str) -> bool:
    """Is it an authorization request, or does it bring the answer to one?"""
    return ASKS.search(url[:LONGEST]) is not None or returns(url)


def returns(url: str) -> bool:
    """Does a URL bring a code, an access token or an error to a client?"""
    url = "" if url.startswith("ws") else url[:LONGEST]  # a WebSocket's
    return RETURNS.search(url) is not None or bool(CODE.search(url) and BESIDE.search(url))
