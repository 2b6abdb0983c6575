"""A request the client makes for itself: over the caller's session, but with its own contents."""

from contextlib import nullcontext

import requests
from requests.exceptions import InvalidURL

from dpop_lab.client.bounded import BoundedAdapter
from dpop_lab.client.unanswered import in_its_words


class LeadsNowhere(InvalidURL):
    """An answer came, and its Location is no URL (RFC 9110 section 10.2.2)."""


def send_own(
    session: requests.Session | None,
    request: requests.Request,
    *,
    timeout: float | None,
) -> requests.Response:
    """Send a request over this session, or over one of its own; no redirect is followed.

    Raises what requests raises, and nothing else; a bad Location is `LeadsNowhere`. What cannot be
    read as a URL is told without its text: it may be that of a proxy, with its password.
    The session's adapters, proxies, certificates, cookies, User-Agent and Accept-Encoding are used.
    Its other headers, its parameters, auth, hooks and netrc file are meant for other requests, and
    left out. A session of its own reads answers within the bounds of `BoundedAdapter`.
    """
    with _session() if session is None else nullcontext(session) as used:
        kept = {name: used.headers.get(name) for name in ("User-Agent", "Accept-Encoding")}
        given = {**requests.utils.default_headers(), **kept, **request.headers}
        request.headers = {name: value for name, value in given.items() if value is not None}
        request.cookies = used.cookies
        prepared = request.prepare()
        settings = used.merge_environment_settings(prepared.url, {}, False, None, None)
        answered: list[requests.Response] = []
        prepared.hooks["response"].append(lambda response, **_: answered.append(response))
        try:
            return used.send(prepared, timeout=timeout, allow_redirects=False, **settings)
        except ValueError as error:
            if isinstance(error, requests.RequestException) and not isinstance(error, InvalidURL):
                raise
            words = in_its_words(error)
    if answered:  # requests reads the Location all the same, and not all of it can be
        raise LeadsNowhere("the answer leads to what is no URL", request=prepared)
    raise InvalidURL(words, request=prepared)


def _session() -> requests.Session:
    session, adapter = requests.Session(), BoundedAdapter()
    session.headers["Accept-Encoding"] = "gzip, deflate"
    for prefix in ("https://", "http://"):
        session.mount(prefix, adapter)
    return session
