"""What a token request asks for: by which grant, for which API, with which scopes."""

import re

from dpop_lab.server.duende_site import CLIENT_CREDENTIALS, DEVICE_CODE, Client
from dpop_lab.server.form import Form, Refused, bad_request, value
from dpop_lab.server.policy import Policy
from dpop_lab.wire.url import DEFAULT_PORTS, normal_url

REFRESH_TOKEN = "refresh_token"  # noqa: S105  the name of a grant


def grant_type_of(form: Form, policy: Policy) -> str:
    """The name of a grant, known or not. Raises `Refused` where there is none."""
    grant = value(form, "grant_type")
    if not grant or len(grant) > 100:
        raise Refused(policy.no_grant_type)
    return grant


def grant_of(form: Form, policy: Policy, client: Client) -> str:
    """The grant, where it leads to a token here: client credentials. Others fail as they do there.

    No client of this server was ever given a code or a refresh token.
    """
    grant = value(form, "grant_type")
    device = grant == DEVICE_CODE
    faults = (
        (grant == REFRESH_TOKEN, "invalid_grant" if value(form, grant) else "invalid_request"),
        (grant not in policy.grants, "unsupported_grant_type"),
        # looked at before the client is
        (device and value(form, "resource"), "invalid_target"),
        (grant not in client.grants, "unauthorized_client"),
        (device and not value(form, "device_code"), "invalid_request"),
        (grant != CLIENT_CREDENTIALS, "invalid_grant"),
    )
    for found, error in faults:
        if found:
            raise bad_request(error)
    return grant


def resource_of(form: Form) -> str | None:
    """The one API that the token is wanted for (RFC 8707 section 2), None without a wish.

    Raises `Refused` for several, and for what is no URI.
    """
    resources = form.get("resource", ())
    faults = (
        (any(len(one) > 512 for one in resources), "Resource indicator maximum length exceeded"),
        (not all(map(_is_uri, resources)), "Invalid resource indicator format"),
        (len(resources) > 1, "Multiple resource indicators not supported on token endpoint."),
    )
    for found, description in faults:
        if found:
            raise bad_request("invalid_target", description)
    return resources[0] if resources else None


def scope_of(form: Form, policy: Policy, resource: str | None) -> tuple[list[str], list[str]]:
    """The scopes granted, sorted, and the audiences they lead to; without a wish all there are.

    Raises `Refused` for what the policy does not know, or knows of another resource.
    """
    given, apis = value(form, "scope"), policy.apis
    asked = sorted({*policy.scope(given).split(" ")} - {""}) or sorted(policy.scopes)
    wanted = set(apis) - policy.isolated if resource is None else {resource} & set(apis)
    if resource is not None and not any(name in apis[one] for one in wanted for name in asked):
        raise bad_request("invalid_target")
    if len(given) > 300 or not set(asked) <= set(policy.scopes):
        raise bad_request("invalid_scope")
    if resource is not None:
        asked = [name for name in asked if name in apis[resource]]
    return asked, [one for one in apis if one in wanted and not set(asked).isdisjoint(apis[one])]


def _is_uri(text: str) -> bool:
    """Is it an absolute URI without a fragment (RFC 8707 section 2)?"""
    scheme = text.partition(":")[0].lower()
    if not re.fullmatch(r"[a-z][a-z0-9+.-]+", scheme) or ":" not in text or "#" in text:
        return False
    return scheme not in DEFAULT_PORTS or normal_url(text) is not None
