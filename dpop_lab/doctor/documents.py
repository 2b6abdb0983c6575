"""Documents that are no request, such as metadata and introspection: what they say of DPoP."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

from dpop_lab.doctor.announced import not_told
from dpop_lab.doctor.confirmation import no_thumbprint
from dpop_lab.doctor.metadata import (
    ALGS,
    BOUND,
    REQUIRED,
    Judged,
    Members,
    client_metadata,
    not_taken,
    resource_metadata,
    seen,
    server_metadata,
)
from dpop_lab.doctor.problem import METHODS, Problem
from dpop_lab.jose.jws import read_jws
from dpop_lab.session.answer import json_value
from dpop_lab.session.call import Call
from dpop_lab.show.values import shown
from dpop_lab.wire.message import first

NAMED = re.compile(r"(?:^|[?&#])(?:response_type|dpop_jkt|request_uri|code)=")
REQUEST = re.compile(rf"\b(?:{'|'.join(METHODS)}) +(?:https?:|/)|\bHTTP/|^curl ")
OF_A_PROBLEM = "title action section wanted found row grade".split()
MOST = 100  # requests of a report, and findings of each
LONGEST = 16_000  # characters of a URL


@dataclass(frozen=True, slots=True, repr=False)
class Document:
    """What a document says of DPoP, and what is wrong with that."""

    kind: str  #: fits after "This is "
    told: str  #: what it says, in a sentence or two
    facts: tuple[tuple[str, str], ...] = ()
    problems: tuple[Problem, ...] = ()


def read(value: object, asked: str = "") -> Document | None:
    """The document that a JSON value is, by its members; None for another value. Never raises.

    `asked` is what it answers, or stands around it.
    """
    names = value.keys() if isinstance(value, Mapping) else ()
    lasting = {"iat", "exp"} & set(names) and "active" not in names
    if not isinstance(value, Mapping) or lasting or {"htm", "htu", "grant_type"} & set(names):
        return None  # a payload of a JWT has these, or a token request
    for kind, needed, others, facts, judge in KINDS:
        if needed in names and any(one in names for one in others.split()):
            said = [*judge(value), *not_taken(value, asked), *not_told(value, asked)]
            told = " ".join(one for one in said if isinstance(one, str))
            pairs = tuple((name, seen(value, name)) for name in facts.split() if name in names)
            return Document(kind, told, pairs, tuple(x for x in said if isinstance(x, Problem)))
    return None


def read_url(text: str) -> Document | None:
    """What a URL, or a form, says that stands alone in a line: of an authorization request, say."""
    words = [one for one in text[:LONGEST].split() if NAMED.search(one)]
    if not words or len(text) > LONGEST or "\n" in text.strip() or REQUEST.search(text):
        return None
    return _of_parameters(words[0].strip("'\"<>,"))


def in_call(call: Call) -> tuple[Document, ...]:
    """What stands in a call: in its URL or form, in its answer, in where that sends on to.

    Where there is something of DPoP to judge, those are told that have a fault.
    """
    judged = call.proofs or call.token or (call.issued and call.hidden)
    sent_to = first(call.exchange.response_headers, "Location") if call.accepted else ""
    answer = call.exchange.response_body if call.succeeded or call.status is None else ""
    places = (_of_parameters(call.url), read(call.form), _of_parameters(sent_to))
    asked = f"{call.exchange.request_body[:LONGEST]}\n{call.around}"
    found = filter(None, (*places, read(json_value(answer), asked)))
    return tuple(one for one in found if one.problems or not judged)


def _of_parameters(text: str) -> Document | None:
    """What the parameters of a URL say, or those of a form."""
    query = text[:LONGEST].rpartition("?")[2].partition("#")[0]
    return read(dict(parse_qsl(query))) if NAMED.search(text[:LONGEST]) else None


# ---- what each says


def _introspection(value: Members) -> Iterator[Judged]:
    kind, cnf = str(value.get("token_type", "")).lower(), value.get("cnf")
    if value["active"] is not True:
        said = f"active is {seen(value, 'active')}: the token is not valid for this server"
        action = "Is it expired, revoked, or another server's? May the caller ask about it?"
        found = Problem(said, action, "RFC 7662 §2.2", "true", seen(value, "active"))
        yield replace(found, explains=("not_expired", "invalid_token"), guess="open")
        return
    astray = [str(name) for name, one in value.items() if _holds_jkt(str(name), one)]
    bound = cnf if isinstance(cnf, Mapping) else {}
    if jkt := bound.get("jkt"):
        yield f"The token is active and bound to the key with the thumbprint {shown(jkt, 80)}:"
        yield "proofs must be by this key."
        yield from no_thumbprint(jkt, "cnf.jkt")
        if kind not in ("", "dpop"):
            yield _at_server(
                f"token_type says {kind[:20]}, but cnf.jkt binds the token to a key",
                "The authorization server has to answer token_type DPoP: an API that goes by it"
                " takes the token for another kind, and may ask for no proof.",
                ("DPoP", seen(value, "token_type")),
            )
    elif astray:
        yield _at_server(
            _misplaced(cnf, astray[0]),
            "The authorization server has to give cnf with jkt in its introspection answer.",
            ("cnf with jkt", seen(value, "cnf")),
        )
    elif bound and "jkt" not in bound and kind != "dpop":
        other = "a certificate (mutual TLS, RFC 8705)" if "x5t#S256" in bound else "something else"
        yield f"The token is active and bound to {other}, not to the key of a DPoP proof."
    elif kind == "bearer":
        yield "The token is active and, without cnf.jkt, bound to no key by DPoP."
    else:
        meant = "." if kind == "dpop" else ", if the token is meant for DPoP."
        yield _at_server(
            "cnf.jkt is missing, so the API can't compare the proof's key with anything",
            f"The authorization server has to give cnf with jkt in its introspection answer{meant}",
            ("cnf with jkt", seen(value, "cnf")),
        )


def _misplaced(cnf: object, member: str) -> str:
    if isinstance(cnf, str):
        return "cnf is a string, so an API cannot find jkt in it: it has to be an object at the top"
    return (
        f"cnf.jkt stands in {shown(member, 40)}, where an API does not look for it: it has to be in"
        " an object cnf at the top"
    )


def _holds_jkt(name: str, found: object) -> bool:
    """Is this member a confirmation in another form than the object cnf?"""
    inside = set(found) if isinstance(found, Mapping) else set[object]()
    return "jkt" in name or bool({"cnf", "jkt"} & inside) or (name, type(found)) == ("cnf", str)


def _at_server(title: str, action: str, wanted_and_found: tuple[str, str]) -> Problem:
    return Problem(title, action, "RFC 9449 §6.2", *wanted_and_found, at_server=True)


def _token_response(value: Members) -> Iterator[Judged]:
    kind, jwt = str(value.get("token_type")).lower(), read_jws(str(value["access_token"]))
    cnf = jwt.claims.get("cnf")
    if kind == "dpop" and isinstance(cnf, Mapping) and "jkt" in cnf:
        yield "token_type is DPoP, and the access token is bound to the key with the thumbprint"
        yield f"{shown(cnf['jkt'], 80)}: sign the proofs beside it with this key."
    if kind == "bearer" and not jwt.claims.get("cnf"):
        yield "token_type is Bearer and no cnf can be seen: the access token is bound to no key."
        yield "For DPoP, send a proof in the token request and look for token_type DPoP; if one was"
        yield "sent, the server passed over it."
    elif kind == "dpop" and not jwt.claims:
        yield "token_type is DPoP. The token is no JWT: introspection shows its key."


def _userinfo(value: Members) -> Iterator[Judged]:
    yield "The call got through; nothing in the answer is about DPoP."


def _authorization(value: Members) -> Iterator[Judged]:
    jkt, pushed = value.get("dpop_jkt"), "request_uri" in value
    if pushed:
        yield "By request_uri the server takes what was pushed (PAR), and passes over what stands"
        yield "beside it: push dpop_jkt, or send the pushed request with a proof."
    elif jkt is None:
        yield "It has no dpop_jkt: the code is not bound to a key."
    else:
        yield f"dpop_jkt binds the code to the key with the thumbprint {shown(jkt, 80)}:"
        yield "the token request needs a proof by this key."
    if jkt is not None:
        yield from no_thumbprint(jkt, "dpop_jkt")


def _pushed(value: Members) -> Iterator[Judged]:
    yield "The code will be bound to the key of the dpop_jkt, or the proof, that was pushed, if"
    yield "there was one: the token request then needs a proof by that key."


def _code(value: Members) -> Iterator[Judged]:
    yield "Redeem its code once, with a proof by the key of the authorization request."


def _report(value: Members) -> Iterator[Judged]:
    yield "It was made of something else, and is told again as it stands."
    requests = value["requests"] if isinstance(value["requests"], list) else []
    for request in requests[:MOST]:
        told = request.get("problems") if isinstance(request, Mapping) else None
        for one in told[:MOST] if isinstance(told, list) else ():
            if isinstance(one, Mapping):
                texts = (str(one.get(name, ""))[:1000] for name in OF_A_PROBLEM)
                yield Problem(*texts)  # type: ignore[arg-type]  # its first members, all texts


Kind = tuple[str, str, str, str, Callable[[Members], Iterator[Judged]]]
CLIENT = "client metadata (RFC 7591)"
OF_USERS = "name email preferred_username given_name email_verified"
OF_CLIENTS = f"{BOUND} token_endpoint_auth_method grant_types application_type"
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
    (CLIENT, BOUND, BOUND, OF_CLIENTS, client_metadata),
    (CLIENT, "redirect_uris", "client_id client_name", OF_CLIENTS, client_metadata),
    (
        "an authorization request",
        "client_id",
        "response_type request_uri dpop_jkt",
        "dpop_jkt",
        _authorization,
    ),
    ("an authorization request", "response_type", "dpop_jkt", "dpop_jkt", _authorization),
    ("the answer to a pushed authorization request", "request_uri", "expires_in", "", _pushed),
    ("the answer to an authorization request", "code", "state iss session_state", "", _code),
    ("a report of dpop-lab diagnose in JSON", "requests", "verdict", "", _report),
    ("a userinfo answer (OpenID Connect)", "sub", OF_USERS, "sub", _userinfo),
)
