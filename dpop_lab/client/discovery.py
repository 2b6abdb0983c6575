"""What the client asks for itself, above all the metadata of a server (RFC 8414)."""

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.exceptions import InvalidURL

from dpop_lab.client.sending_again import json_of, redirected
from dpop_lab.client.settings import MOST_METADATA, check_url
from dpop_lab.errors import SettingsError
from dpop_lab.wire.syntax import is_loopback, origin

MOST_REDIRECTS = 3


def send_own(
    session: requests.Session | None,
    request: requests.Request,
    *,
    timeout: float | None,
) -> requests.Response:
    """Send a request over this session, or over one of its own; no redirect is followed.

    Raises what requests raises, and nothing else: `InvalidURL`, with the answer as its response,
    for a Location that is no URL. What cannot be read as a URL is told without its text: it may be
    that of a proxy, with its password.
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
        answers: list[requests.Response] = []
        prepared.hooks["response"].append(lambda response, **_: answers.append(response))
        try:
            return used.send(prepared, timeout=timeout, allow_redirects=False, **settings)
        except ValueError as error:
            if isinstance(error, requests.RequestException) and not isinstance(error, InvalidURL):
                raise
            from dpop_lab.client.bounded import in_its_words  # loaded when used

            words = in_its_words(error)
    for answer in answers:  # requests reads the Location all the same, and not all of it can be
        raise InvalidURL("the answer leads to what is no URL", request=prepared, response=answer)
    raise InvalidURL(words, request=prepared)


def _session() -> requests.Session:
    from dpop_lab.client.bounded import BoundedAdapter  # loaded when used

    session, adapter = requests.Session(), BoundedAdapter()
    session.headers["Accept-Encoding"] = "gzip, deflate"
    for prefix in ("https://", "http://"):
        session.mount(prefix, adapter)
    return session


def metadata_urls(issuer: str) -> tuple[str, str]:
    """Where RFC 8414 section 3.1 puts the document, then where OpenID does."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    return (
        f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{path}",
        f"{parts.scheme}://{parts.netloc}{path}/.well-known/openid-configuration",
    )


def discover(
    issuer: str,
    *,
    session: requests.Session | None = None,
    timeout: float | None = 30,
    plain: bool = False,
) -> dict[str, Any]:
    """The metadata of an authorization server.

    Raises `SettingsError` when neither place has it, or when its `issuer` is not, character for
    character, the one asked for (RFC 8414 section 3.3), or when its token endpoint is no URL or has
    no TLS (but on this machine, or where all may be `plain`, for an issuer without TLS). Redirects
    are followed within the issuer's origin, three at most. A server that cannot be reached raises
    what requests raises.
    """
    check_url("issuer", issuer)
    found = []
    for url in metadata_urls(issuer):
        metadata = _fetch(url, session, timeout)
        if isinstance(metadata, dict):
            return _checked(metadata, issuer, plain=plain)
        found.append(metadata)
    advice = "Is the issuer spelt as its server spells it? A login page in between may answer, too."
    told = " and ".join(dict.fromkeys(found))
    raise SettingsError("No metadata for this issuer", wanted=issuer, found=told, advice=advice)


def _fetch(
    url: str, session: requests.Session | None, timeout: float | None
) -> dict[str, Any] | str:
    """The JSON object where redirects end, or a word on what was there.

    Another origin is sent nothing.
    """
    there = url
    try:
        for _ in range(1 + MOST_REDIRECTS):
            response = send_own(session, requests.Request("GET", there), timeout=timeout)
            if not response.is_redirect:
                break
            there = str(redirected(response, response.request).url)
            if origin(there) != origin(url):
                return f"a redirect to {_site(there)}, which is not followed"
    except InvalidURL as error:
        if error.response is None:
            raise
        return "a redirect to what is no URL"
    if response.status_code != requests.codes.ok:
        return f"status {response.status_code}"
    if len(response.content) > MOST_METADATA:
        return f"more than {MOST_METADATA} octets"
    if isinstance(metadata := json_of(response), dict):
        return metadata
    page = response.headers.get("Content-Type", "").lower().startswith("text/html")
    return "a web page" if page else "no JSON object"


def _site(url: str) -> str:
    """The origin of a URL as text: its path and its query may hold what nobody should read."""
    found = origin(url)
    return "{}://{}:{}".format(*found)[:200] if found else "no http(s) URL"


def _checked(metadata: dict[str, Any], issuer: str, *, plain: bool) -> dict[str, Any]:
    """The metadata, if they are this issuer's and credentials may go to their token endpoint.

    Without TLS that is this machine alone unless all may be `plain`, and only as an issuer without
    TLS names it (RFC 6749 section 3.2).
    """
    if metadata.get("issuer") != issuer:
        found, problem = repr(metadata.get("issuer"))[:200], "Metadata of another issuer"
        advice = "Give the issuer to the letter as its metadata have it."
        raise SettingsError(problem, wanted=repr(issuer), found=found, advice=advice)
    endpoint_in(metadata, "token_endpoint", plain=plain)
    return metadata


def endpoint_in(metadata: Mapping[str, Any], name: str, *, plain: bool = False) -> str:
    """An endpoint that metadata of an issuer name, by a name such as `token_endpoint`.

    Raises `SettingsError` where it is missing, is no URL, or has no TLS, by the rule of `discover`.
    """
    url, words = metadata.get(name), name.replace("_", " ")
    if not isinstance(url, str):
        raise SettingsError(f"Metadata without {words}", wanted=f"{name}, a string")
    check_url(name, url)
    secured = urlsplit(str(metadata["issuer"])).scheme == "https"
    if urlsplit(url).scheme != "https" and (secured or not (plain or is_loopback(url))):
        whose = "Metadata of an https issuer" if secured else "Metadata"
        problem = f"{whose} name {'an' if name[0] in 'aeiou' else 'a'} {words} without TLS"
        raise SettingsError(problem, wanted="https://…", found=_site(url))
    return url
