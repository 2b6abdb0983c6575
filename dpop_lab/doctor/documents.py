"""Documents that are no request, such as metadata and introspection: what they say of DPoP."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from dpop_lab.doctor.metadata import (
    ALGS,
    BOUND,
    REQUIRED,
    Judged,
    Members,
    client_metadata,
    resource_metadata,
    seen,
    server_metadata,
)
from dpop_lab.doctor.problem import METHODS, Problem
from dpop_lab.jose.jws import read_jws
from dpop_lab.show.values import shown

THUMBPRINT = re.compile(r"[\w-]{42}[AEIMQUYcgkosw048]", re.A)  # base64url of 32 octets
SHAPES = {  # of a value that should be a thumbprint, and how it was likely made
    re.compile(r"[0-9a-fA-F]{64}"): "it is hex",
    re.compile(r"[\w-]{43}=+"): "it is padded with =",
    re.compile(r"[A-Za-z0-9+/]{43}=?"): "it is in the other base64 alphabet, with + and /",
    re.compile(r"[\w-]{27}=?"): "it is as long as SHA-1",
    re.compile(r"[\w-]{86}(==)?"): "it is as long as SHA-512",
    re.compile(r"[\[{].*"): "it is a whole key, not the hash of one",
}
AUTHORIZATION = re.compile(r"(?:response_type|dpop_jkt)=")
TOLD_OF_CLIENTS = f"{BOUND} token_endpoint_auth_method grant_types application_type"
NO_BINDING = (
    "token_type is Bearer and no cnf can be seen: the access token is bound to no key. For DPoP,"
    " send a proof in the token request and look for token_type DPoP; if one was sent, the server"
    " passed over it."
)
REQUEST = re.compile(rf"\b(?:{'|'.join(METHODS)}) +(?:https?:|/)|\bHTTP/|^curl ")
LONGEST = 16_000  # characters of a URL


@dataclass(frozen=True, slots=True, repr=False)
class Document:
    """What a document says of DPoP, and what is wrong with that."""

    kind: str  #: fits after "This is "
    told: str  #: what it says, in a sentence or two
    facts: tuple[tuple[str, str], ...] = ()
    problems: tuple[Problem, ...] = ()


def read(value: object) -> Document | None:
    """The document that a JSON value is, by its members; None for another value. Never raises."""
    names = value.keys() if isinstance(value, Mapping) else ()
    lasting = {"iat", "exp"} & set(names) and "active" not in names
    if not isinstance(value, Mapping) or lasting or {"htm", "htu"} & set(names):
        return None  # a payload of a JWT has these
    for kind, needed, others, facts, judge in KINDS:
        if needed in names and any(one in names for one in others.split()):
            told, problems = judge(value)
            pairs = tuple((name, seen(value, name)) for name in facts.split() if name in names)
            return Document(kind, told, pairs, tuple(problems))
    return None


def read_url(text: str) -> Document | None:
    """An authorization request, as a URL or as the form that is pushed, alone in a line."""
    words = [one for one in text[:LONGEST].split() if AUTHORIZATION.search(one)]
    if not words or len(text) > LONGEST or "\n" in text.strip() or REQUEST.search(text):
        return None
    url, _, query = words[0].strip("'\"<>,").rpartition("?")
    form = dict(parse_qsl(query.partition("#")[0]))
    kind = "an authorization request" if url else "a form of an authorization request"
    told, problems = _authorization(form)
    return Document(kind, told, (("dpop_jkt", seen(form, "dpop_jkt")),), tuple(problems))


# ---- what each says


def _introspection(value: Members) -> Judged:
    kind, cnf = str(value.get("token_type", "")).lower(), value.get("cnf")
    if value["active"] is not True:
        said = f"active is {seen(value, 'active')}: the token is not valid for this server"
        action = "Is it expired, revoked, or another server's? May the caller ask about it?"
        return "", [Problem(said, action, "RFC 7662 §2.2", "true", seen(value, "active"))]
    jkt = cnf.get("jkt") if isinstance(cnf, Mapping) else None
    if jkt is not None:
        told = f"The token is active and bound to the key with the thumbprint {shown(jkt, 80)}:"
        return f"{told} proofs must be by this key.", _no_thumbprint(jkt, "cnf.jkt")
    if astray := [name for name, one in value.items() if _holds_jkt(str(name), one)]:
        said = f"cnf.jkt stands in {shown(astray[0], 40)}, where an API does not look for it"
        return "", [_no_cnf(f"{said}: it has to be in an object cnf at the top", value, ".")]
    if isinstance(cnf, Mapping) and "x5t#S256" in cnf and kind != "dpop":
        told = "The token is active and bound to a certificate (mutual TLS, RFC 8705), not to"
        return f"{told} the key of a DPoP proof.", []
    if isinstance(cnf, Mapping) and cnf and kind != "dpop":
        return "The token is active, and bound by something else than DPoP.", []
    if kind == "bearer":
        return "The token is active and, without cnf.jkt, bound to no key by DPoP.", []
    meant = "." if kind == "dpop" else ", if the token is meant for DPoP."
    said = "cnf.jkt is missing, so the API can't compare the proof's key with anything"
    return "", [_no_cnf(said, value, meant)]


def _holds_jkt(name: str, found: object) -> bool:
    """Is this member a confirmation in another form than the object cnf?"""
    inside = set(found) if isinstance(found, Mapping) else set[object]()
    return "jkt" in name or bool({"cnf", "jkt"} & inside) or (name, type(found)) == ("cnf", str)


def _no_cnf(said: str, value: Members, meant: str) -> Problem:
    return Problem(
        said,
        f"The authorization server has to give cnf with jkt in its introspection answer{meant}",
        "RFC 9449 §6.2",
        "cnf with jkt",
        seen(value, "cnf"),
        at_server=True,
    )


def _token_response(value: Members) -> Judged:
    kind, jwt = str(value.get("token_type")).lower(), read_jws(str(value["access_token"]))
    bound = jwt.claims.get("cnf")
    if kind == "bearer" and not bound:
        return NO_BINDING, []
    if kind == "bearer":
        said = "token_type says Bearer, but the access token has cnf: it is bound to a key"
        action = "The server has to answer token_type DPoP; send the token with a proof by its key."
        return "", [Problem(said, action, "RFC 9449 §5", "DPoP", "Bearer", at_server=True)]
    if kind == "dpop" and not jwt.claims:
        return "token_type is DPoP. The token is no JWT: introspection shows its key.", []
    return "", []


def _userinfo(value: Members) -> Judged:
    return "The call got through; nothing in the answer is about DPoP.", []


def _authorization(form: Mapping[str, str]) -> Judged:
    jkt = form.get("dpop_jkt")
    if jkt is None:
        return "It has no dpop_jkt: the code is not bound to a key.", []
    told = f"dpop_jkt binds the code to the key with the thumbprint {shown(jkt, 80)}:"
    told += " the token request needs a proof by this key."
    if "request_uri" in form:
        told += (
            " But by request_uri the server takes what was pushed (PAR), and passes over what"
            " stands beside it: push dpop_jkt, or send the pushed request with a proof."
        )
    return told, _no_thumbprint(jkt, "dpop_jkt")


# ---- what may be wrong


def _no_thumbprint(jkt: object, name: str) -> list[Problem]:
    """A value that can be the SHA-256 thumbprint of no key."""
    text = jkt if isinstance(jkt, str) else ""
    if THUMBPRINT.fullmatch(text):
        return []
    how = next((why for shape, why in SHAPES.items() if shape.fullmatch(text[:2000])), "")
    action = "Make it by RFC 7638: SHA-256 of the public JWK's required members, as base64url."
    section, asked = ("RFC 9449 §10", True) if name == "dpop_jkt" else ("RFC 9449 §6", False)
    wanted, found = "43 characters of base64url", shown(jkt, 100)
    said = f"{name} is no thumbprint of a key{': ' * bool(how)}{how}"
    return [Problem(said, action, section, wanted, found, at_server=not asked)]


Kind = tuple[str, str, str, str, Callable[[Members], Judged]]
#: What it is, a member it must have, others of which it has one, those that are told, its judge.
KINDS: tuple[Kind, ...] = (
    (
        "the metadata of a protected resource (RFC 9728)",
        "resource",
        f"authorization_servers bearer_methods_supported resource_name {ALGS} {REQUIRED}",
        f"{REQUIRED} {ALGS} bearer_methods_supported authorization_servers",
        resource_metadata,
    ),
    (
        "the metadata of an authorization server (RFC 8414)",
        "issuer",
        f"token_endpoint authorization_endpoint jwks_uri {ALGS}",
        f"issuer {ALGS} token_endpoint require_pushed_authorization_requests",
        server_metadata,
    ),
    (
        "the answer of an introspection endpoint (RFC 7662)",
        "active",
        "token_type client_id exp iss scope sub aud cnf username active",
        "active token_type cnf",
        _introspection,
    ),
    ("a token response", "access_token", "token_type", "token_type", _token_response),
    *(
        (
            "client metadata (RFC 7591)",
            needed,
            others,
            f"{BOUND} {TOLD_OF_CLIENTS}",
            client_metadata,
        )
        for needed, others in ((BOUND, BOUND), ("redirect_uris", "client_id client_name"))
    ),
    (
        "a userinfo answer (OpenID Connect)",
        "sub",
        "name email preferred_username given_name email_verified",
        "sub",
        _userinfo,
    ),
)
