"""A server's metadata, found from its issuer (RFC 8414, OpenID Connect Discovery)."""

from typing import Any
from urllib.parse import urlsplit

import requests

from dpop_lab.client.bounded import MOST_METADATA
from dpop_lab.client.own_request import LeadsNowhere, send_own
from dpop_lab.client.sending_again import redirected
from dpop_lab.client.settings import check_url
from dpop_lab.client.token import json_value
from dpop_lab.errors import SettingsError
from dpop_lab.wire.url import is_loopback, origin

MOST_REDIRECTS = 3


def metadata_urls(issuer: str) -> tuple[str, str]:
    """Where RFC 8414 section 3.1 puts the document, then where OpenID does."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    return (
        f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{path}",
        f"{parts.scheme}://{parts.netloc}{path}/.well-known/openid-configuration",
    )


def discover(
    issuer: str, *, session: requests.Session | None = None, timeout: float | None = 30
) -> dict[str, Any]:
    """The metadata of an authorization server.

    Raises `SettingsError` when neither place has it, or when its `issuer` is not, character for
    character, the one asked for (RFC 8414 section 3.3), or when its token endpoint is no URL or has
    no TLS (but on this machine, for an issuer without TLS). Redirects are followed within the
    issuer's origin, three at most. A server that cannot be reached raises what requests raises.
    """
    check_url("issuer", issuer)
    found = []
    for url in metadata_urls(issuer):
        metadata = _fetch(url, session, timeout)
        if isinstance(metadata, dict):
            return _checked(metadata, issuer)
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
    except LeadsNowhere:
        return "a redirect to what is no URL"
    if response.status_code != requests.codes.ok:
        return f"status {response.status_code}"
    if len(response.content) > MOST_METADATA:
        return f"more than {MOST_METADATA} octets"
    try:
        metadata = json_value(response)
    except (ValueError, RecursionError):
        page = response.headers.get("Content-Type", "").lower().startswith("text/html")
        return "a web page" if page else "no JSON"
    return metadata if isinstance(metadata, dict) else "no JSON object"


def _site(url: str) -> str:
    """The origin of a URL as text: its path and its query may hold what nobody should read."""
    found = origin(url)
    return "{}://{}:{}".format(*found)[:200] if found else "no http(s) URL"


def _checked(metadata: dict[str, Any], issuer: str) -> dict[str, Any]:
    """The metadata, if they are this issuer's and credentials may go to their token endpoint.

    Without TLS that is this machine alone, and only as an issuer without TLS names it (RFC 6749
    section 3.2).
    """
    if metadata.get("issuer") != issuer:
        found, problem = repr(metadata.get("issuer"))[:200], "Metadata of another issuer"
        advice = "Give the issuer to the letter as its metadata have it."
        raise SettingsError(problem, wanted=repr(issuer), found=found, advice=advice)
    endpoint = metadata.get("token_endpoint")
    if not isinstance(endpoint, str):
        raise SettingsError("Metadata without token endpoint", wanted="token_endpoint, a string")
    check_url("token_endpoint", endpoint)
    secured = urlsplit(issuer).scheme == "https"
    if urlsplit(endpoint).scheme != "https" and (secured or not is_loopback(endpoint)):
        whose = "Metadata of an https issuer" if secured else "Metadata"
        problem = f"{whose} name a token endpoint without TLS"
        raise SettingsError(problem, wanted="https://…", found=_site(endpoint))
    return metadata
