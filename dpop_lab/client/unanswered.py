"""Why a request got no answer, in one sentence: what the libraries say of it runs over pages."""

from urllib.parse import urlsplit

import requests


def unanswered(error: requests.RequestException, timeout: float) -> str:
    """The sentence for the host of the request that failed, without an end mark.

    Empty when the request could not even be made: a wrong URL, a wrong header. `timeout` is what
    was waited, in seconds.
    """
    url = str(error.request.url) if error.request is not None and error.request.url else ""
    host = urlsplit(url).netloc.rpartition("@")[2] or "the server"
    kinds: tuple[tuple[type[Exception], str], ...] = (
        (requests.exceptions.ProxyError, f"The proxy on the way to {host} can't be used"),
        (requests.exceptions.SSLError, f"No trusted TLS connection to {host}"),
        (requests.Timeout, f"{host} did not answer within {timeout} s"),
        (requests.TooManyRedirects, f"{host} redirects in a circle"),
        (requests.ConnectionError, f"{host} can't be reached, or broke off"),
        (requests.exceptions.ChunkedEncodingError, f"{host} broke off in the middle of its answer"),
        (requests.exceptions.ContentDecodingError, f"{host} sent what can't be decoded"),
    )
    words = next((text for kind, text in kinds if isinstance(error, kind)), "")
    return words and f"{words}: {_root(error)}"


def _root(error: BaseException) -> str:
    """What lies at the bottom of an error, in its own words."""
    while True:
        inner = [
            one
            for one in (*error.args, getattr(error, "reason", None), error.__cause__)
            if isinstance(one, BaseException) and one is not error
        ]
        if not inner:
            said = getattr(error, "strerror", None) or str(error) or type(error).__name__
            return str(said).rstrip(".")[:160]
        error = inner[0]
