"""demo.duendesoftware.com as data: its clients, scopes, profiles, wording, and its leniencies."""

import json
import math
import re
from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import Any

from dpop_lab.jose.jws import Deviation, Jws
from dpop_lab.proof import rules
from dpop_lab.proof.checking import Answer
from dpop_lab.proof.htu import NormalURL, normal_url
from dpop_lab.proof.rules import ANY_TIME, ESSENTIAL, Context, ProofProfile, Reading, Window
from dpop_lab.server import access_token as at
from dpop_lab.server.authorization_server import ApiResource, Client, Registry
from dpop_lab.server.http import Request, Response
from dpop_lab.server.policy import (
    AssertionRules,
    Credentials,
    Form,
    Policy,
    Refused,
    basic_pair,
    read_form,
)

BASE_URL = "https://demo.duendesoftware.com"
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

# Clients, scopes, APIs

CODE_AND_CC = ("authorization_code", "client_credentials")
CODE = ("authorization_code",)
SECRET = "secret"  # noqa: S105  published with the demo


def _clients() -> tuple[Client, ...]:
    plain = [
        Client(client_id="m2m", secret=SECRET),
        Client(client_id="m2m.jwt", uses_key=True),
        Client(client_id="m2m.dpop", secret=SECRET, requires_dpop=True),
        Client(client_id="m2m.dpop.nonce", secret=SECRET, requires_dpop=True, requires_nonce=True),
        Client(client_id="m2m.short", secret=SECRET, lifetime=75),
        Client(client_id="m2m.short.jwt", uses_key=True, lifetime=75),
        Client(
            client_id="interactive.confidential.jwt.dpop", uses_key=True, grants=CODE_AND_CC,
            lifetime=75, requires_dpop=True, requires_nonce=True,
        ),
        Client(client_id="native.dpop", grants=CODE, requires_dpop=True, requires_nonce=True),
        Client(client_id="interactive.public", grants=CODE),
        Client(client_id="interactive.public.short", grants=CODE, lifetime=75),
        Client(client_id="device", grants=("urn:ietf:params:oauth:grant-type:device_code",)),
        Client(client_id="interactive.implicit", grants=("implicit",)),
        Client(client_id="login", grants=("implicit",)),
    ]  # fmt: skip
    for suffix in ("", ".jwt", ".jar.jwt", ".nopkce", ".hybrid"):
        key = suffix.endswith("jwt")
        name = f"interactive.confidential{suffix}"
        plain.append(_interactive(name, key=key, lifetime=3600))
    for suffix in (".short", ".short.jwt", ".short.jar.jwt"):
        name = f"interactive.confidential{suffix}"
        plain.append(_interactive(name, key=suffix.endswith("jwt"), lifetime=75))
    return tuple(plain)


def _interactive(name: str, *, key: bool, lifetime: int) -> Client:
    secret = None if key else SECRET
    return Client(
        client_id=name, secret=secret, uses_key=key, grants=CODE_AND_CC, lifetime=lifetime
    )


APIS = (
    ApiResource("api", ("api",)),
    ApiResource("urn:resource1", ("resource1.scope1", "resource1.scope2", "shared.scope")),
    ApiResource("urn:resource2", ("resource2.scope1", "resource2.scope2", "shared.scope")),
    ApiResource(
        "urn:resource3", ("resource3.scope1", "resource3.scope2", "shared.scope"), isolated=True
    ),
)
SCOPES = (
    "api",
    *(f"resource{api}.scope{scope}" for api in (1, 2, 3) for scope in (1, 2)),
    "scope3", "scope4", "shared.scope", "transaction",
)  # fmt: skip
GRANTS = (
    "authorization_code",
    "client_credentials",
    "refresh_token",
    "password",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:openid:params:grant-type:ciba",
)


def registry(client_key: Mapping[str, Any]) -> Registry:
    """The demo's clients and APIs; `client_key` is the public JWK of its `*.jwt` clients."""
    clients = {client.client_id: client for client in _clients()}
    return Registry(clients=clients, apis=APIS, scopes=SCOPES, grants=GRANTS, client_key=client_key)


# How it reads a proof

HEADER_TEXTS = ("typ", "alg", "kid", "x5t", "cty", "zip")
CLAIM_TEXTS = ("jti", "iss", "azp")
NUMBER = re.compile(r"\s*[+-]?(\d[\d,]*)?(\.\d*)?([eE][+-]?\d+)?\s*", re.ASCII)
REFUSED_FORMS = {
    Deviation(where, kind)
    for where in ("header", "payload")
    for kind in (
        "white_space", "foreign_alphabet", "impossible_length", "byte_order_mark", "not_a_number"
    )
}  # fmt: skip


def malformed(jws: Jws) -> str | None:
    """What the demo's JWT reader can't get over: odd alphabets, members of the wrong type."""
    forms = [str(one) for one in jws.deviations if one in REFUSED_FORMS]
    if forms:
        return ", ".join(forms)
    if Deviation("whole", "five_parts") in jws.deviations:
        tail = jws.text.split(".")[2:]
        return (
            None
            if all(re.fullmatch(r"[\w-]+=*", part, re.ASCII) for part in tail)
            else "five parts"
        )
    texts = [("header", jws.header, name) for name in HEADER_TEXTS]
    texts += [("claims", jws.claims, name) for name in CLAIM_TEXTS]
    odd = [
        f"{where}.{name}"
        for where, members, name in texts
        if not isinstance(members.get(name), str | None)
    ]
    odd += [
        f"claims.{name}"
        for name in ("iat", "exp", "nbf")
        if name in jws.claims and number(jws.claims[name]) is None
    ]
    if type(jws.claims.get("sub")) not in (str, int, float, type(None)):
        odd.append("claims.sub")
    audience = jws.claims.get("aud")
    several = audience if isinstance(audience, list) else [audience]
    if not all(isinstance(one, str | None) for one in several):
        odd.append("claims.aud")
    return f"another JSON type than it can read: {', '.join(odd)}" if odd else None


def too_long_or_malformed(proof: Jws) -> tuple[str, str] | None:
    """The token endpoint reads no proof of more than 4000 characters."""
    if len(proof.text) > 4000:
        return "too_long", f"{len(proof.text)} characters, more than 4000"
    return only_malformed(proof)


def only_malformed(proof: Jws) -> tuple[str, str] | None:
    """The API reads a proof of any length."""
    fault = malformed(proof)
    return ("malformed", fault) if fault else None


def number(value: object) -> int | None:
    """Seconds from a number or from a numeric text, rounded; None beyond 64 bits."""
    if isinstance(value, str) and re.search(r"\d", value) and NUMBER.fullmatch(value):
        value = float(value.replace(",", ""))
    if type(value) not in (int, float) or (isinstance(value, float) and not math.isfinite(value)):
        return None
    whole = round(value)  # type: ignore[call-overload]
    return whole if -(2**63) <= whole < 2**63 else None


def text(value: object) -> str | None:
    """A text, also one that stands alone in an array."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, str) else None


def token_jti(claims: Mapping[str, Any]) -> str | None:
    """The token endpoint takes any text that is not empty."""
    return claims.get("jti") or None


def api_jti(claims: Mapping[str, Any]) -> str | None:
    """The API takes an empty text too, and null for one."""
    return (claims["jti"] or "") if "jti" in claims else None


JWK_TEXTS = (
    "kty", "crv", "x", "y", "e", "n", "d", "dp", "dq", "p", "q", "qi", "k",
    "kid", "alg", "use", "x5t", "x5t#S256", "x5u",
)  # fmt: skip
JWK_NAMES = {name.lower(): name for name in (*JWK_TEXTS, "key_ops", "x5c", "oth")}
RSA_PRIVATE = ("d", "dp", "dq", "p", "q", "qi")


def jwk_members(jwk: Mapping[str, Any]) -> dict[str, Any]:
    """A jwk as the demo reads it: member names in any letter case."""
    return {JWK_NAMES.get(name.lower(), name): value for name, value in jwk.items()}


def _unreadable(jwk: Mapping[str, Any]) -> str | None:
    """Known members of a JSON type that the demo's key reader can't take."""
    odd = [name for name in JWK_TEXTS if not isinstance(jwk.get(name), str | None)]
    for name, also in (("key_ops", ()), ("x5c", (str, type(None))), ("oth", (str, type(None)))):
        given = jwk.get(name, [])
        listed = isinstance(given, list) and all(isinstance(one, str) for one in given)
        if not listed and not isinstance(given, also):
            odd.append(name)
    return f"another JSON type than it can read: {', '.join(odd)}" if odd else None


def private_members(jwk: Mapping[str, Any]) -> tuple[str, ...]:
    """EC: a `d` will do. RSA: only all six together count."""
    if _unreadable(jwk):
        return ()
    wanted = {"EC": ("d",), "RSA": RSA_PRIVATE}.get(jwk.get("kty", ""), ())
    return wanted if wanted and all(jwk.get(name) is not None for name in wanted) else ()


def key_fault(jwk: Mapping[str, Any], alg: object) -> str | None:
    """The demo wants a jwk it can take the thumbprint of, whatever `alg` says.

    Where there is no thumbprint the real server falls over with a 500; the twin does not.
    """
    fault = _unreadable(jwk)
    if fault:
        return fault
    names = {"EC": ("crv", "x", "y"), "RSA": ("e", "n"), "oct": ("k",)}.get(jwk.get("kty") or "")
    if names is None:
        return f"kty is not EC or RSA but {jwk.get('kty')!r}"
    lacking = [name for name in names if not jwk.get(name)]
    return f"no {', '.join(lacking)} in it" if lacking else None


def _uri(url: str) -> NormalURL | None:
    """A URL as the demo's URI class reads it: blanks around it, backslashes, user info ignored."""
    normal = normal_url(url.strip().replace("\\", "/"))
    return normal and normal._replace(user=None)


def same_token_url(wanted: str, found: str) -> bool:
    """At the token endpoint the case of the path counts."""
    return _uri(found) is not None and _uri(wanted) == _uri(found)


def same_api_url(wanted: str, found: str) -> bool:
    """At the API it does not."""
    return same_token_url(wanted.lower(), found.lower())


def jti_alone(proof: Jws, context: Context) -> Hashable:
    """The demo remembers a proof by its jti and nothing else."""
    return context.profile.reading.jti(proof.claims)


TOKEN_READING = Reading(
    algorithms=ALGORITHMS,
    fault=too_long_or_malformed,
    key_fault=key_fault,
    members=jwk_members,
    private=private_members,
    text=text,
    number=number,
    jti=token_jti,
    same_url=same_token_url,
)
API_READING = replace(TOKEN_READING, fault=only_malformed, jti=api_jti, same_url=same_api_url)

# What it asks, in which order, and what it answers


def _bad(description: str, status: int = 400, error: str = "invalid_dpop_proof") -> Answer:
    return Answer(status, error, description)


TOKEN_ANSWERS: dict[str | tuple[str, str], Answer] = {
    "one_header": _bad("Too many DPoP headers provided.", error="invalid_request"),
    "well_formed": _bad("Malformed DPoP token."),
    ("well_formed", "too_long"): Answer(400, "invalid_dpop_proof"),
    "typ": _bad("Invalid 'typ' value."),
    "alg": _bad("Invalid 'alg' value."),
    "jwk": _bad("Invalid 'jwk' value."),
    "no_private_key": _bad("'jwk' value contains a private key."),
    "signature": _bad("Invalid signature on DPoP token."),
    "jti": _bad("Invalid 'jti' value."),
    "htm": _bad("Invalid 'htm' value."),
    "htu": _bad("Invalid 'htu' value."),
    "fresh": _bad("Invalid 'iat' value."),
    ("fresh", "missing"): _bad("Missing 'iat' value."),
    "nonce": _bad("Invalid 'nonce' value.", error="use_dpop_nonce"),
    ("nonce", "missing"): _bad("Missing 'nonce' value.", error="use_dpop_nonce"),
    "unused": _bad("Detected replay of DPoP proof token."),
}
_ONE_MESSAGE = _bad("Invalid DPoP proof token.", 401)
API_ANSWERS: dict[str | tuple[str, str], Answer] = {
    "one_header": Answer(401, "invalid_request"),
    ("one_header", "empty"): _bad("Missing DPoP proof token.", 401, "invalid_request"),
    "well_formed": _bad("Malformed DPoP proof token.", 401),
    "jwk": _bad("Invalid 'jwk' value.", 401),
    "no_private_key": _bad("'jwk' value contains a private key.", 401),
    "alg": _ONE_MESSAGE,
    "typ": _ONE_MESSAGE,
    "signature": _ONE_MESSAGE,
    "bound_key": _bad("Invalid 'cnf' value.", 401),
    ("bound_key", "missing"): _bad("Missing 'cnf' value.", 401),
    "ath": _bad("Invalid 'ath' value.", 401),
    "jti": _bad("Invalid 'jti' value.", 401),
    "htm": _bad("Invalid 'htm' value.", 401),
    "htu": _bad("Invalid 'htu' value.", 401),
    "fresh": _bad("Invalid 'iat' value.", 401),
    "nonce": _bad("Invalid 'nonce' value.", 401, "use_dpop_nonce"),
    ("nonce", "missing"): _bad("Missing 'nonce' value.", 401, "use_dpop_nonce"),
    "unused": _bad("Detected DPoP proof token replay.", 401),
}
TOKEN = ProofProfile(
    name="token endpoint",
    rows=(
        rules.one_header, rules.well_formed, rules.typ, rules.alg, rules.no_private_key, rules.jwk,
        rules.signature, rules.jti, rules.htm, rules.htu, rules.fresh, rules.unused,
    ),
    answers=TOKEN_ANSWERS,
    essential=ESSENTIAL,
    reading=TOKEN_READING,
    window=Window(360, 300),
    nonce_window=Window(60, 0),
    nonce_renewed_at=math.inf,
    replay_key=jti_alone,
    remember=660,
)  # fmt: skip
TOKEN_NONCE = replace(
    TOKEN,
    name="token endpoint with nonce",
    rows=(*TOKEN.rows[:-1], rules.nonce, rules.unused),
    window=ANY_TIME,
    remember=60,
)
API = ProofProfile(
    name="API",
    rows=(
        rules.one_header, rules.well_formed, rules.no_private_key, rules.jwk, rules.alg, rules.typ,
        rules.signature, rules.bound_key, rules.ath, rules.jti, rules.htm, rules.htu, rules.fresh,
        rules.unused,
    ),
    answers=API_ANSWERS,
    essential=ESSENTIAL,
    reading=API_READING,
    window=Window(30, 25),
    nonce_window=Window(9, 5),  # a nonce of 10 s was refused when recorded
    nonce_renewed_at=math.inf,
    replay_key=jti_alone,
    remember=55,
)  # fmt: skip
API_NONCE = replace(
    API,
    name="API with nonce",
    rows=(*API.rows[:-1], rules.nonce, rules.unused),
    window=ANY_TIME,
    remember=15,
)
TOKEN_ROWS = (at.scheme, at.at_form, at.at_signature, at.issuer, at.at_typ, at.not_expired)
BOUND = at.TokenProfile(
    name="access token at the DPoP API",
    rows=TOKEN_ROWS,
    answers={row.name: Answer(401) for row in TOKEN_ROWS},
    max_length=4000,
    fault=malformed,
    types=("at+jwt",),
    leeway=300,
)
BEARER = replace(BOUND, name="access token at the Bearer API", max_length=51200)

# How it talks


def net_json(value: object) -> bytes:
    """Compact JSON as .NET escapes it: no quote, ampersand, angle bracket, plus or non-ASCII."""
    plain = json.dumps(value, separators=(",", ":"))
    special = str.maketrans({char: f"\\u{ord(char):04X}" for char in "'+<>&`\x7f"})
    escaped = plain.translate(special).replace('\\"', "\\u0022")
    return re.sub(r"\\u[0-9a-f]{4}", lambda match: "\\u" + match[0][2:].upper(), escaped).encode()


def token_parameters(request: Request) -> Form:
    """Names in any letter case, blank values dropped."""
    if request.method != "POST":
        raise Refused(Answer(400, "invalid_request"))
    form: dict[str, tuple[str, ...]] = {}
    for name, given in read_form(request):
        if given.strip():
            form[name.lower()] = (*form.get(name.lower(), ()), given)
    return form


def credentials(request: Request, form: Form) -> Credentials:
    """Basic, then the form, then an assertion: the first with a secret or an assertion wins."""
    found: list[Credentials] = []
    pair = basic_pair("".join(request.lines("Authorization")[:1]))
    if pair and pair[0].strip() and max(map(len, pair)) <= 100:
        found.append(Credentials(pair[0], "basic", secret=(pair[1].strip() and pair[1]) or None))
    raw: dict[str, str] = {}
    for name, given in read_form(request):
        raw.setdefault(name.lower(), given)
    pair = raw.get("client_id", ""), raw.get("client_secret", "")
    if pair[0].strip() and max(map(len, pair)) <= 100:
        found.append(Credentials(pair[0], "form", secret=(pair[1].strip() and pair[1]) or None))
    assertion = raw.get("client_assertion", "")
    client_id = assertion_client(assertion)
    if raw.get("client_assertion_type") == JWT_BEARER and client_id:
        found.append(Credentials(client_id, "assertion", assertion=assertion))
    proven = [one for one in found if one.secret or one.assertion]
    if not found:
        raise Refused(Answer(400, "invalid_request"))
    return proven[0] if proven else found[-1]


def assertion_client(assertion: str) -> str | None:
    """The client an assertion names as its subject, None where it can't be read."""
    from dpop_lab.jose.jws import read_jws

    jws = read_jws(assertion[:51201])
    subject = jws.claims.get("sub")
    fits = len(assertion) <= 51200 and isinstance(subject, str) and 0 < len(subject) <= 100
    return subject if fits and not malformed(jws) else None


def client_refused(given: Credentials) -> Refused:
    """400, whichever way the client tried to authenticate."""
    return Refused(Answer(400, "invalid_client"))


def audience_fits(header: Mapping[str, Any], audience: object, issuer: str) -> bool:
    """The issuer or one of four endpoints; the issuer alone for an assertion that says its type."""
    several = audience if isinstance(audience, list) else [audience]
    names = [one.removesuffix("/") for one in several if isinstance(one, str)]
    kind = header.get("typ")
    if isinstance(kind, str) and kind.lower() == "client-authentication+jwt":
        return kind.islower() and names == [issuer] and len(several) == 1
    paths = ("", "/connect/token", "/connect/ciba", "/connect/par")
    return any(f"{issuer}{path}" in names for path in paths)


def proofs(request: Request) -> tuple[str, ...]:
    """A single blank header counts as none."""
    lines = request.lines("DPoP")
    return () if len(lines) == 1 and not lines[0] else lines


def authorization(request: Request, scheme: str) -> str:
    """The first line counts at the DPoP API; the other one takes all lines for one value."""
    lines = request.lines("Authorization")
    return lines[0] if lines and scheme == "DPoP" else ",".join(lines)


def challenge(scheme: str, answer: Answer) -> str:
    """The WWW-Authenticate value: parameters only where there is something to say."""
    text = f'{scheme} error="{answer.error}"' if answer.error else scheme
    return f'{text}, error_description="{answer.description}"' if answer.description else text


def metadata(base: str) -> dict[str, Any]:
    """The discovery document, members in the order the demo has them."""
    auth_methods = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
    algorithms = list(ALGORITHMS)

    def endpoint(name: str) -> dict[str, Any]:
        return {
            f"{name}_endpoint_auth_methods_supported": auth_methods,
            f"{name}_endpoint_auth_signing_alg_values_supported": algorithms,
        }

    logout = (
        f"{end}channel_logout{kind}" for end in ("front", "back") for kind in ("", "_session")
    )
    return {
        "issuer": base,
        "jwks_uri": f"{base}/.well-known/openid-configuration/jwks",
        **{name: f"{base}/connect/{path}" for name, path in ENDPOINTS.items()},
        "require_pushed_authorization_requests": False,
        **{f"{name}_supported": True for name in logout},
        "scopes_supported": ["openid", "profile", "email", *SCOPES, "offline_access"],
        "claims_supported": CLAIMS.split(),
        "grant_types_supported": [
            "authorization_code", "client_credentials", "refresh_token", "implicit", "password",
            "urn:ietf:params:oauth:grant-type:device_code", "urn:openid:params:grant-type:ciba",
        ],
        "response_types_supported": [
            "code", "token", "id_token", "id_token token", "code id_token", "code token",
            "code id_token token",
        ],
        "response_modes_supported": ["form_post", "query", "fragment"],
        **endpoint("token"),
        **endpoint("revocation"),
        **endpoint("introspection"),
        "id_token_signing_alg_values_supported": ["RS256"],
        "userinfo_signing_alg_values_supported": ["RS256"],
        "introspection_signing_alg_values_supported": ["RS256"],
        "subject_types_supported": ["public"],
        "code_challenge_methods_supported": ["plain", "S256"],
        "request_parameter_supported": True,
        "request_object_signing_alg_values_supported": algorithms,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "authorization_response_iss_parameter_supported": True,
        "backchannel_token_delivery_modes_supported": ["poll"],
        "backchannel_user_code_parameter_supported": True,
        "backchannel_authentication_request_signing_alg_values_supported": algorithms,
        "dpop_signing_alg_values_supported": algorithms,
    }  # fmt: skip


ENDPOINTS = {
    "authorization_endpoint": "authorize",
    "token_endpoint": "token",
    "userinfo_endpoint": "userinfo",
    "end_session_endpoint": "endsession",
    "check_session_iframe": "checksession",
    "revocation_endpoint": "revocation",
    "introspection_endpoint": "introspect",
    "device_authorization_endpoint": "deviceauthorization",
    "backchannel_authentication_endpoint": "ciba",
    "pushed_authorization_request_endpoint": "par",
}
CLAIMS = (
    "sub name family_name given_name middle_name nickname preferred_username profile picture "
    "website gender birthdate zoneinfo locale updated_at email email_verified"
)


def method_not_allowed(allowed: str) -> Response:
    """405 and nothing else, not even what would be allowed."""
    return Response(405)


DUENDE = Policy(
    name="DUENDE",
    token=TOKEN,
    token_nonce=TOKEN_NONCE,
    api=API,
    api_nonce=API_NONCE,
    bound=BOUND,
    bearer=BEARER,
    assertions=AssertionRules(
        algorithms=ALGORITHMS, leeway=300, number=number, audience_fits=audience_fits
    ),
    token_parameters=token_parameters,
    credentials=credentials,
    client_refused=client_refused,
    proofs=proofs,
    authorization=authorization,
    challenge=challenge,
    metadata=metadata,
    method_not_allowed=method_not_allowed,
    json=net_json,
    token_headers=(
        ("Content-Type", "application/json; charset=UTF-8"),
        ("Cache-Control", "no-store, no-cache, max-age=0"),
        ("Pragma", "no-cache"),
    ),
    metadata_type="application/json; charset=UTF-8",
    api_type="application/json; charset=utf-8",
    site_headers=(("Server", "dpop_lab twin"), ("X-REVISION", "twin")),
    cors_exposed="",
    no_proof=Answer(
        400, "invalid_request", "Client requires DPoP and a DPoP header value was not provided."
    ),
)
