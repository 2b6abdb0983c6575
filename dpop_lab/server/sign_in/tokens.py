"""What a token is good for at the server that issued it: userinfo, introspection, revocation."""

import hmac
from dataclasses import replace
from typing import Any

from dpop_lab.checking import Answer, Report
from dpop_lab.jose.encoding import Members, several
from dpop_lab.jose.jws import Jws
from dpop_lab.server.access_token import TokenContext, token_of
from dpop_lab.server.authorization_server import REFRESH_TOKEN, AuthorizationServer, TokenRequest
from dpop_lab.server.common import Refused, bad_request, value
from dpop_lab.server.resource_server import AUDIENCE
from dpop_lab.server.sign_in.people import API_SECRETS, PEOPLE
from dpop_lab.server.sign_in.state import State, end_family
from dpop_lab.server.sign_in.ways import ways_of
from dpop_lab.wire.message import Request, Response

USERINFO = "/connect/userinfo"
HINTS = ("", "access_token", REFRESH_TOKEN)


def userinfo(server: AuthorizationServer, request: Request) -> Response:
    """Say who signed in, to whoever has the access token (OpenID Connect Core section 5.3).

    A bound token comes under `DPoP` with a proof, as at any API (RFC 9449 section 7); the demo
    takes it as a bearer token, and no other scheme.
    """
    policy, ways = server.policy, ways_of(server.policy)
    if request.method not in ("GET", "POST"):
        return policy.method_not_allowed("GET, POST")
    scheme = "".join(request.lines("Authorization")[:1]).partition(" ")[0].lower()
    bound = ways.bound_userinfo and scheme == "dpop"

    def told(reports: list[Report]) -> Response:
        try:
            claims = _shown(server, request, bound=bound, reports=reports)
        except Refused:
            if not ways.realm:
                raise
            challenge = f'Bearer realm="{ways.realm}",error="invalid_token"'
            return Response(401, (("WWW-Authenticate", challenge), *policy.token_headers))
        return Response(200, policy.token_headers, policy.json(claims))

    return server.answered(told, "DPoP" if bound else "Bearer")


def _shown(
    server: AuthorizationServer, request: Request, *, bound: bool, reports: list[Report]
) -> dict[str, Any]:
    """The claims about the person, once token and proof are found good."""
    policy = server.policy
    rules = policy.userinfo_bound if bound else policy.userinfo_bearer
    authorization = policy.authorization(request, "DPoP" if bound else "Bearer")
    token = token_of(authorization)
    context = replace(_context(server), profile=rules, authorization=authorization)
    reports.append(server.look(token, context))
    server.refuse(rules, reports[0])
    if bound:
        proof, proof_context = server.proof_and_context(
            request,
            "userinfo",
            nonce=False,
            url=f"{server.base_url}{USERINFO}",
            access_token=token.text,
            cnf=token.claims.get("cnf"),
            client_id=str(token.claims.get("client_id", "")),
        )
        reports.append(server.look(proof, proof_context))
        server.take(proof, proof_context, reports)
    scopes = _scopes(token.claims)
    person = next((one for one in PEOPLE.values() if one.subject == token.claims.get("sub")), None)
    if person is None or "openid" not in scopes or _revoked(server, token):
        answer = Answer(403, "insufficient_scope") if person else Answer(401, "invalid_token")
        raise Refused(answer)
    told = [person.claims[scope] for scope in person.claims if scope in scopes]
    return {"sub": person.subject} | {name: one for some in told for name, one in some.items()}


def _context(server: AuthorizationServer) -> TokenContext:
    """What the rows may know of an access token of ours."""
    return TokenContext(
        profile=server.policy.introspection,
        authorization="",
        keys=(server.signing_key[1],),
        issuer=server.base_url,
        audience=AUDIENCE,
        now=server.clock.now(),
    )


def _scopes(claims: Members) -> list[str]:
    """The scopes of an access token, written as a list or as a text (RFC 9068 section 2.2.3)."""
    return " ".join(str(one) for one in several(claims.get("scope", []))).split()


def _revoked(server: AuthorizationServer, token: Jws) -> bool:
    return server.used.seen(("revoked", token.claims.get("jti")), now=server.clock.now())


def introspect(server: AuthorizationServer, request: Request) -> Response:
    """Tell an API what is in a token, with the key it is bound to (RFC 7662, RFC 9449 6.2).

    An API that knows its name and secret may ask; it hears of its own scopes alone.
    """
    policy, ways = server.policy, ways_of(server.policy)
    if request.method != "POST":
        return policy.method_not_allowed("POST")

    def told(reports: list[Report]) -> Response:
        form = policy.token_parameters(request)
        try:
            api, _, secret = policy.credentials(request, form)
        except Refused as refusal:
            raise Refused(Answer(401), *refusal.headers) from None
        known = API_SECRETS.get(api, "")
        if not known or not hmac.compare_digest((secret or "").encode(), known.encode()):
            raise Refused(Answer(401, *ways.api_refused), *ways.api_challenge)
        if not (text := value(form, "token")):
            raise bad_request(ways.nothing)
        token, context = token_of(f"Bearer {text}"), _context(server)
        report = server.look(token, context)
        own = [one for one in _scopes(token.claims) if one in policy.apis.get(api, ())]
        body: dict[str, Any] = {"active": False}
        if report.accepted and own and not _revoked(server, token):
            flat = {name: _alone(one) for name, one in token.claims.items() if name != "scope"}
            body = {**flat, "active": True, "scope": " ".join(own)}
            if ways.tells_type:
                body["token_type"] = "DPoP" if "cnf" in flat else "Bearer"
        return Response(200, policy.token_headers, policy.json(body))

    return server.answered(told)


def _alone(value: Any) -> Any:
    """The only one of a list, or what it is."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def revoke(server: AuthorizationServer, state: State, request: Request) -> Response:
    """End a token of the client that asks (RFC 7009): a refresh token with all that came of it."""
    policy, ways = server.policy, ways_of(server.policy)
    if request.method != "POST":
        return policy.method_not_allowed("POST")

    def done(reports: list[Report]) -> Response:
        form = policy.token_parameters(request)
        credentials = policy.credentials(request, form)
        client = TokenRequest(server, request, form, credentials, reports).client
        text, now = value(form, "token"), server.clock.now()
        if not text:
            raise bad_request()
        if ways.known_hints and value(form, "token_type_hint") not in HINTS:
            raise bad_request("unsupported_token_type")
        grant, token = state.refresh_tokens.get(text, now=now), token_of(f"Bearer {text}")
        remember = state.refresh_tokens.lifetime
        if grant and grant.client_id == client.client_id:
            end_family(server, state, grant.family)
        elif ways.revokes_access and token.claims.get("client_id") == client.client_id:
            if server.look(token, _context(server)).accepted:
                jti = token.claims.get("jti")
                server.used.claim(("revoked", jti), now=now, remember=remember)
        return Response(200)

    return server.answered(done)
