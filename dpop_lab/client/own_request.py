"""A request the client makes for itself: over the caller's session, but with its own contents."""

from contextlib import nullcontext

import requests


def send_own(
    session: requests.Session | None,
    request: requests.Request,
    *,
    timeout: float | None,
) -> requests.Response:
    """Send a request over this session, or over one of its own; no redirect is followed.

    Raises what requests raises, a bad Location among it, and nothing else.
    The session's adapters, proxies, certificates, cookies, User-Agent and Accept-Encoding are used.
    Its other headers, its parameters, auth, hooks and netrc file are meant for other requests, and
    left out.
    """
    with requests.Session() if session is None else nullcontext(session) as used:
        kept = {name: used.headers.get(name) for name in ("User-Agent", "Accept-Encoding")}
        given = {**requests.utils.default_headers(), **kept, **request.headers}
        request.headers = {name: value for name, value in given.items() if value is not None}
        request.cookies = used.cookies
        prepared = request.prepare()
        settings = used.merge_environment_settings(prepared.url, {}, False, None, None)
        try:
            return used.send(prepared, timeout=timeout, allow_redirects=False, **settings)
        except requests.RequestException:
            raise
        except ValueError:  # requests reads the Location all the same, and not all of it can be
            raise requests.exceptions.InvalidURL("the answer leads to what is no URL") from None
