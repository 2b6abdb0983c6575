"""What is wrong with a request or its answer that no row asks for."""

from collections.abc import Iterator

from dpop_lab.doctor.decoded import leaked, thumbprint_or_none
from dpop_lab.doctor.paste.jwts import salvaged
from dpop_lab.doctor.problem import Problem
from dpop_lab.jose.jws import read_jws
from dpop_lab.proof import rules
from dpop_lab.session.call import API, Call
from dpop_lab.show.values import cut, shown
from dpop_lab.wire.url import without_query

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")


def other_problems(call: Call) -> Iterator[Problem]:
    """Tokens in the wrong place or not bound, keys that leaked, answers that never came."""
    good = call.status is not None and call.status < 300
    if call.exchange.failure:
        yield Problem(
            title=f"No answer came: {shown(call.exchange.failure, 200)}",
            action="Look at the address, the network, its proxy and certificates.",
        )
    yield from _leaked_elsewhere(call)
    lines = [name for name, _ in call.headers if name.lower() == "authorization"]
    if len(lines) > 1 and not good:
        yield Problem(
            title=f"There are {len(lines)} Authorization headers",
            action="Send one Authorization header: which of several counts, each server decides.",
            section="RFC 9110 §11.6.2",
        )
    yield from _other_algs(call)
    yield from _small_letters(call)
    query = call.url.partition("?")[2]
    if "access_token=" in query or (call.place == API and "access_token" in call.form):
        yield Problem(
            title="The access token stands in the URL or the body",
            action="Send it in Authorization: DPoP alone; the other ways are for Bearer tokens.",
            section="RFC 9449 §7.1",
        )
    if (found := query_in_htu(call)) and not good:
        yield found
    if call.issued:
        yield from _badly_bound(call)


def _badly_bound(call: Call) -> Iterator[Problem]:
    """A new access token that is bound to no key, or to another one than the proof's."""
    if call.token_type.lower() == "bearer" and (call.is_proof or "proof" in call.hidden):
        yield Problem(
            title="token_type: Bearer came in answer to a proof, so the token is bound to no key",
            action="The server passed over the DPoP header: does it know DPoP, for this client?",
            wanted="DPoP",
            found=call.token_type,
            section="RFC 9449 §5",
        )
    cnf = read_jws(call.issued).claims.get("cnf")
    bound = cnf.get("jkt") if isinstance(cnf, dict) else None
    mine = thumbprint_or_none(call.proof.header.get("jwk"))
    if mine and bound and bound != mine:
        yield Problem(
            title="cnf.jkt: the new access token is bound to another key than the proof's",
            action="Look at what makes the token request: it signs with another key.",
            wanted=mine,
            found=shown(bound, 80),
            section="RFC 9449 §6.1",
        )


def _leaked_elsewhere(call: Call) -> Iterator[Problem]:
    """Private members where the row does not look: in half a proof, in a string, beside jwk."""
    if not call.is_proof:
        return
    proof = salvaged(call.proofs[0])
    header = dict(proof.header)
    if not call.proof.problem and isinstance(header.get("jwk"), dict):
        del header["jwk"]
    if names := leaked(header) + leaked(proof.claims):
        yield Problem.of(
            rules.no_private_key,
            f"beside a jwk that is an object stands {', '.join(names)[:60]}",
            "This key has leaked: make a new one, put its public members alone into jwk.",
        )


def _other_algs(call: Call) -> Iterator[Problem]:
    """A challenge says which algorithms its server takes."""
    mine = call.proof.header.get("alg")
    for challenge in call.challenges or ():
        taken = challenge.parameters.get("algs", "")
        other = taken.split() and isinstance(mine, str) and mine not in taken.split()
        if challenge.scheme == "dpop" and other:
            yield Problem.of(
                rules.alg,
                "the challenge names algorithms, and the proof's is not one of them",
                f"Sign with one of {cut(repr(taken)[1:-1], 100)}, with a fitting key.",
                defect="unsupported",
                wanted=taken,
                found=mine,
            )


def _small_letters(call: Call) -> Iterator[Problem]:
    """A method in small letters, where the request's own is not known."""
    htm = call.proof.claims.get("htm")
    if not call.method and isinstance(htm, str) and htm != htm.upper() and htm.upper() in METHODS:
        yield Problem.of(
            rules.htm,
            "it is in small letters",
            f"Write htm in capital letters, {htm.upper()}: it is compared as it stands.",
            wanted=htm.upper(),
            found=htm,
        )


def query_in_htu(call: Call) -> Problem | None:
    """An htu with a query or a fragment: many servers pass over them, others do not."""
    htu = call.proof.claims.get("htu")
    if not isinstance(htu, str) or without_query(htu) == htu:
        return None
    sign, part = ("?", "query") if "?" in htu else ("#", "fragment")
    url = without_query(htu)
    return Problem.of(
        rules.htu,
        f"it has a {part}",
        f"htu has a {part}: send {cut(repr(url)[1:-1], 200)}.",
        wanted=url,
        found=f"{url}{sign}…",
    )
