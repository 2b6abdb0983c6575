"""What is wrong with a call that no row asks for: preflights, leaked keys, unbound tokens."""

import re
from collections.abc import Iterator, Sequence

from dpop_lab.doctor.general import BESIDE_PROOFS
from dpop_lab.doctor.problem import METHODS, Problem
from dpop_lab.jose.jws import read_jws, salvaged
from dpop_lab.proof import rules
from dpop_lab.server.access_token import scheme
from dpop_lab.session.call import API, Call
from dpop_lab.session.decoded import thumbprint_or_none
from dpop_lab.show.values import cut, shown
from dpop_lab.wire.message import first
from dpop_lab.wire.secrets import leaked
from dpop_lab.wire.syntax import without_query


def other_problems(call: Call) -> Iterator[Problem]:
    """Tokens in the wrong place or not bound, keys that leaked, answers that never came."""
    good = call.status is not None and call.status < 300
    yield from _preflight(call)
    if call.exchange.failure:
        yield Problem(
            f"No answer came: {shown(call.exchange.failure, 200)}",
            "Look at the address, the network, its proxy and certificates.",
        )
    yield from _leaked_elsewhere(call)
    if call.token and call.token.lower().startswith(
        (f"{call.scheme.lower()} ", "bearer ", "dpop ")
    ):
        yield Problem.at(
            scheme,
            "it stands there twice",
            f"Send Authorization: {call.scheme}, a space and the token, once: something adds the"
            " scheme to what has it already.",
        )
    count = sum(name.lower() == "authorization" for name, _ in call.headers)
    if count > 1 and not good:
        yield Problem(
            f"There are {count} Authorization headers",
            "Send one Authorization header: which of several counts, each server decides.",
            "RFC 9110 §11.6.2",
        )
    for one in call.challenges or ():
        if one.scheme == "dpop":
            taken = one.parameters.get("algs", "").split()
            yield from unsupported_alg(call, taken, "the challenge")
    yield from _small_letters(call)
    in_body = call.place == API and "access_token" in call.form
    if "access_token=" in call.url.partition("?")[2] or in_body:
        yield Problem(
            "The access token stands in the URL or the body",
            "Send it in Authorization: DPoP alone; the other ways are for Bearer tokens.",
            "RFC 9449 §7.1",
        )
    if (found := query_in_htu(call)) and not good:
        yield found
    if call.issued:
        yield from _badly_bound(call)


def _preflight(call: Call) -> Iterator[Problem]:
    """A browser that asks whether DPoP may be sent (CORS), and a server that does not say so."""
    asked = first(call.headers, "Access-Control-Request-Headers").lower()
    answer = call.exchange.response_headers
    allowed = re.split(r"[,\s]+", first(answer, "Access-Control-Allow-Headers").lower())
    if call.method != "OPTIONS" or call.status is None or "dpop" not in asked:
        return
    if call.status >= 300:
        said = f"the server answers {call.status}: a preflight carries neither token nor proof"
    elif "dpop" not in allowed:
        said = "the server does not allow DPoP"
    else:
        return
    yield Problem(
        f"A browser asks with OPTIONS (preflight, CORS) before it sends DPoP, and {said}",
        " ".join(BESIDE_PROOFS[0].do.split()) + " OPTIONS is answered without a login.",
        "Fetch §4.8",
        "DPoP in Access-Control-Allow-Headers",
        ", ".join(map(repr, filter(None, allowed)))[:200] or "nothing",
        explains=("cors", "scheme", "one_header", "bare_challenge", "status"),
        at_server=True,
    )


def _badly_bound(call: Call) -> Iterator[Problem]:
    """A new access token that is bound to no key, or to another one than the proof's."""
    if call.token_type.lower() == "bearer" and (call.is_proof or "proof" in call.hidden):
        yield Problem(
            "token_type: Bearer came in answer to a proof, so the token is bound to no key",
            "The server passed over the DPoP header: does it know DPoP, for this client?",
            "RFC 9449 §5",
            "DPoP",
            call.token_type,
        )
    issued = read_jws(call.issued)
    cnf = issued.claims.get("cnf")
    if call.token_type.lower() == "dpop" and issued.claims and not cnf:
        yield Problem(
            "token_type says DPoP, but the access token has no cnf.jkt: it is bound to no key",
            "The authorization server has to put cnf.jkt into it, or the APIs have to ask it by"
            " introspection. Till then a proof by any key would do.",
            "RFC 9449 §6.1",
            "cnf with jkt",
            "nothing",
            at_server=True,
        )
    bound = cnf.get("jkt") if isinstance(cnf, dict) else None
    mine = thumbprint_or_none(call.proof.header.get("jwk"))
    if mine and bound and bound != mine:
        from dpop_lab.doctor.advice.hashes import thumbprint_made  # a wrong hash is rare

        how = thumbprint_made(bound, call.proof.header["jwk"], call.proof.header)
        yield Problem(
            f"cnf.jkt: it is made of the proof's key, but it {how}"
            if how
            else "cnf.jkt: the new access token is bound to another key than the proof's",
            f"The issuer has to use the JWK thumbprint (RFC 7638): {mine}."
            if how
            else f"The server has to bind it to the key of the proof in its request: {mine}.",
            "RFC 9449 §6.1",
            mine,
            shown(bound, 80),
            at_server=True,
        )


def _leaked_elsewhere(call: Call) -> Iterator[Problem]:
    """Private members where the row does not look: in half a proof, in a string, beside jwk."""
    if not call.is_proof:
        return
    proof = salvaged(call.proofs[0])
    header = dict(proof.header)
    if not call.proof.problem and isinstance(header.get("jwk"), dict):
        del header["jwk"]
    if names := leaked([header, proof.claims]):
        yield Problem.at(
            rules.no_private_key,
            f"beside a jwk that is an object stands {', '.join(names)[:60]}",
            "This key has leaked: make a new one, put its public members alone into jwk.",
        )


def unsupported_alg(call: Call, taken: Sequence[object], where: str) -> Iterator[Problem]:
    """The proof's algorithm, where a server's text names others that it takes."""
    mine = call.proof.header.get("alg")
    if isinstance(mine, str) and taken and mine not in taken:
        named = ", ".join(map(str, taken))
        yield Problem.at(
            rules.alg,
            f"{where} names algorithms, and the proof's is not one of them",
            f"Sign with one of {cut(repr(named)[1:-1], 100)}, with a fitting key.",
            shown(named, 200),
            shown(mine, 200),
            "unsupported",
        )


def _small_letters(call: Call) -> Iterator[Problem]:
    """A method in small letters, where the request's own is not known."""
    htm = call.proof.claims.get("htm")
    if not call.method and isinstance(htm, str) and htm != htm.upper() and htm.upper() in METHODS:
        yield Problem.at(
            rules.htm,
            "it is in small letters",
            f"Write htm in capital letters, {htm.upper()}: it is compared as it stands.",
            repr(htm.upper()),
            repr(htm),
        )


def query_in_htu(call: Call) -> Problem | None:
    """An htu with a query or a fragment: many servers pass over them, others do not."""
    htu = call.proof.claims.get("htu")
    if not isinstance(htu, str) or not {"?", "#"} & {*htu} or without_query(htu) == htu:
        return None
    sign, part = ("?", "query") if "?" in htu else ("#", "fragment")
    url = without_query(htu)
    return Problem.at(
        rules.htu,
        f"it has a {part}",
        f"htu has a {part}: send {cut(repr(url)[1:-1], 200)}.",
        shown(url, 200),
        shown(f"{url}{sign}…", 200),
    )
