"""Metadata of servers, protected resources and clients: what it says of DPoP."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from dpop_lab.doctor.problem import Problem
from dpop_lab.session.call import host_of
from dpop_lab.show.values import cut, shown
from dpop_lab.wire.secrets import harmless

Members = Mapping[Any, Any]
Judged = str | Problem  # what a document says of DPoP, and what is wrong with that

WEAK = re.compile("none|HS[0-9]+", re.I)  # algorithms that need no private key
LOCAL = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?|[^.:]+(:[0-9]+)?", re.I)
ALGS, REQUIRED = "dpop_signing_alg_values_supported", "dpop_bound_access_tokens_required"
BOUND = "dpop_bound_access_tokens"
ASKED = re.compile(rf"{BOUND}[\"'`]?\s*+(?:[:=]\s*+)?[\"'`]?true\b", re.I)
MOST = 20  # values of a list that are told


def resource_metadata(value: Members) -> Iterator[Judged]:
    """What a protected resource says (RFC 9728)."""
    yield f"It is about {shown(value['resource'], 120)}."
    algs, required = value.get(ALGS), value.get(REQUIRED) is True
    told_of = {ALGS, REQUIRED} & value.keys()
    told = f"proofs are signed with {_listed(algs)}." if algs else "algorithms are not named."
    yield (
        f"It takes only DPoP-bound access tokens: each call needs a proof; {told}"
        if required
        else f"{'' if told_of else 'It says nothing of DPoP. '}Bound tokens are not required"
        f" ({REQUIRED} is {seen(value, REQUIRED)}): it may take Bearer tokens as well; {told}"
    )
    yield from _algorithms(value)
    yield from _no_boolean(value, REQUIRED, "RFC 9728 §2")
    yield from _plain_http(value, "RFC 9728 §1.2", "resource")


def server_metadata(value: Members) -> Iterator[Judged]:
    """What an authorization server says (RFC 8414)."""
    if algs := value.get(ALGS):
        yield f"It announces DPoP: proofs are signed with {_listed(algs)}."
    else:
        yield f"{ALGS} is missing: the server does not announce DPoP. Ask its operator."
    host = host_of(str(value.get("token_endpoint", "")))
    if host and host != host_of(str(value["issuer"])):
        yield f"The htu of a token request has the host {cut(host, 80)}, not the issuer's."
    yield from _algorithms(value)
    yield from _plain_http(value, "RFC 8414 §2", "issuer", "token_endpoint")


def client_metadata(value: Members) -> Iterator[Judged]:
    """What a client says of itself (RFC 7591)."""
    bound, said = value.get(BOUND, False), f"{BOUND} is {seen(value, BOUND)}"
    atproto = "atproto" in str(value.get("scope", ""))[:2000].split()
    yield from _no_boolean(value, BOUND, "RFC 9449 §5.2")
    if bound is True:
        yield f"{said}: each token request of this client needs a proof."
    elif atproto and bound is False:
        action = f"Set {BOUND} to true in the client metadata: atproto takes no other client."
        wanted = "RFC 9449 §5.2", "true", seen(value, BOUND)
        yield Problem(f"{said}, and atproto wants true", action, *wanted)
    else:
        yield f"{said}: this client may be given tokens without DPoP."


def not_taken(value: Members, asked: str) -> Iterator[Problem]:
    """A registration that `asked` for bound tokens, and whose answer has something else."""
    if value.get(BOUND) is not True and "client_id" in value and ASKED.search(asked):
        yield Problem(
            f"The client asked for {BOUND}: true, and the server registered {seen(value, BOUND)}",
            "The server has to register what was asked for, or say no: ask its operator whether it"
            " knows the member. Till then it does not insist on proofs for this client: without one"
            " it gives unbound tokens, so send a proof with each token request all the same.",
            "RFC 7591 §3.2.1, RFC 9449 §5.2",
            "true",
            seen(value, BOUND),
            at_server=True,
        )


# ---- what may be wrong


def _algorithms(value: Members) -> Iterator[Problem]:
    """What stands among the algorithms and must not."""
    algs = value.get(ALGS, [""])
    names = [one for one in algs if isinstance(one, str)] if isinstance(algs, list) else []
    weak = [one for one in names if WEAK.fullmatch(one)]
    if weak or not names:
        what = "is empty" if algs == [] else "is no list of names"
        more = ": no proof can be signed so that it is taken" * (algs == [])
        yield Problem(
            f"{ALGS} {'holds ' + _listed(weak) if weak else what + more}",
            "The server has to list asymmetric algorithms alone, such as ES256"
            + ", or leave the member out." * (algs == [])
            + "." * (algs != []),
            "RFC 9449 §5.1",
            "a list such as ['ES256']",
            shown(algs, 200),
            at_server=True,
        )


def _plain_http(value: Members, section: str, *names: str) -> Iterator[Problem]:
    """The first URL without TLS: behind a proxy a server often takes itself for an http one."""
    for name in names:
        url = str(value.get(name, ""))
        if url.lower().startswith("http:") and not LOCAL.fullmatch(host_of(url)):
            yield Problem(
                f"{name} is an http URL",
                "The server has to name it by https. Behind a proxy, let it heed X-Forwarded-Proto:"
                " it compares htu with the URL that it takes for its own.",
                section,
                "https",
                shown(url, 120),
                at_server=True,
            )
            return


def _no_boolean(value: Members, name: str, section: str) -> Iterator[Problem]:
    found = value.get(name, False)
    if not isinstance(found, bool):
        title, action = (
            f"{name} is no boolean",
            f"Write {name}: true without quotes, or leave it out.",
        )
        told = title, action, section, "true or false", shown(found, 80)
        yield Problem(*told, at_server=name == REQUIRED)


# ---- words


def seen(value: Members, name: str) -> str:
    """A member in words: what it is, or that it is missing."""
    found = value.get(name)
    if isinstance(found, bool):
        return str(found).lower()
    return "missing" if found is None else _listed(found)


def _listed(found: object) -> str:
    """The names in a list, as many as are looked at; another value as it is."""
    if not isinstance(found, list):
        return shown(harmless(found), 120)
    told = [cut(one, 60) if isinstance(one, str) else shown(one, 60) for one in found[:MOST]]
    return ", ".join([*told, "…"] if len(found) > MOST else told) or "none"
