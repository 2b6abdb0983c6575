"""What is wrong with an exchange that no row asks for."""

from collections.abc import Iterator

from dpop_lab.doctor.decoded import leaked, thumbprint_or_none
from dpop_lab.doctor.paste.half import salvaged
from dpop_lab.doctor.problem import Problem
from dpop_lab.jose.jws import read_jws
from dpop_lab.session.call import API, Call
from dpop_lab.show.values import cut, shown
from dpop_lab.wire.url import without_query

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")


def beside(case: Call) -> Iterator[Problem]:
    """What no row asks: tokens in the wrong place or not bound, answers that never came."""
    if case.exchange.failure:
        yield Problem(
            title=f"No answer came: {shown(case.exchange.failure, 200)}",
            action="Look at the address, the network, its proxy and certificates.",
        )
    if names := _leaked_elsewhere(case):
        yield Problem(
            title=f"no_private_key: beside a jwk that is an object stands {', '.join(names)[:60]}",
            action="This key has leaked: make a new one, put its public members alone into jwk.",
            row="no_private_key",
            section="RFC 9449 §4.3 (7)",
        )
    lines = [name for name, _ in case.headers if name.lower() == "authorization"]
    if len(lines) > 1 and not (case.status and case.status < 300):
        yield Problem(
            title=f"There are {len(lines)} Authorization headers",
            action="Send one Authorization header: which of several counts, each server decides.",
            section="RFC 9110 §11.6.2",
        )
    yield from _other_algs(case)
    yield from _small_letters(case)
    query = case.url.partition("?")[2]
    if "access_token=" in query or (case.place == API and "access_token" in case.form):
        yield Problem(
            title="The access token stands in the URL or the body",
            action="Send it in Authorization: DPoP alone; the other ways are for Bearer tokens.",
            section="RFC 9449 §7.1",
        )
    if (found := queried(case)) and not (case.status and case.status < 300):
        yield found
    if not case.issued:
        return
    claims = read_jws(case.issued).claims
    cnf = claims.get("cnf")
    jwk = case.proof.header.get("jwk")
    mine = thumbprint_or_none(jwk) if isinstance(jwk, dict) else None
    if case.token_type.lower() == "bearer" and (case.is_proof or "proof" in case.hidden):
        yield Problem(
            title="token_type: Bearer came in answer to a proof, so the token is bound to no key",
            action="The server passed over the DPoP header: does it know DPoP, for this client?",
            wanted="DPoP",
            found=case.token_type,
            section="RFC 9449 §5",
        )
    bound = cnf.get("jkt") if isinstance(cnf, dict) else None
    if mine and bound and bound != mine:
        yield Problem(
            title="cnf.jkt: the new access token is bound to another key than the proof's",
            action="Look at what makes the token request: it signs with another key.",
            wanted=mine,
            found=shown(bound, 80),
            section="RFC 9449 §6.1",
        )


def _leaked_elsewhere(case: Call) -> tuple[str, ...]:
    """Private members where the row does not look: in half a proof, in a string, beside jwk."""
    if not case.is_proof:
        return ()
    proof = salvaged(case.proofs[0])
    header = {
        name: value
        for name, value in proof.header.items()
        if case.proof.problem or name != "jwk" or not isinstance(value, dict)
    }
    return leaked(header) + leaked(proof.claims)


def _other_algs(case: Call) -> Iterator[Problem]:
    """A challenge says which algorithms its server takes."""
    mine = case.proof.header.get("alg")
    for challenge in case.challenges or ():
        taken = challenge.parameters.get("algs", "").split()
        if challenge.scheme == "dpop" and taken and isinstance(mine, str) and mine not in taken:
            some = cut(repr(" ".join(taken))[1:-1], 100)
            yield Problem(
                title="alg: the challenge names algorithms, and the proof's is not one of them",
                action=f"Sign with one of {some}, with a fitting key.",
                row="alg",
                wanted=shown(" ".join(taken), 200),
                found=shown(mine, 40),
                section="RFC 9449 §7.1",
            )


def _small_letters(case: Call) -> Iterator[Problem]:
    """A method in small letters, where the request's own is not known."""
    htm = case.proof.claims.get("htm")
    if not case.method and isinstance(htm, str) and htm != htm.upper() and htm.upper() in METHODS:
        yield Problem(
            title="htm: it is in small letters",
            action=f"Write htm in capital letters, {htm.upper()}: it is compared as it stands.",
            row="htm",
            wanted=shown(htm.upper(), 20),
            found=shown(htm, 20),
            section="RFC 9449 §4.3 (8)",
        )


def queried(case: Call) -> Problem | None:
    """An htu with a query or a fragment: many servers pass over them, others do not."""
    htu = case.proof.claims.get("htu")
    if not isinstance(htu, str) or not ("?" in htu or "#" in htu):
        return None
    part = "query" if "?" in htu else "fragment"
    return Problem(
        title=f"htu: it has a {part}",
        action=f"htu has a {part}: send {cut(repr(without_query(htu))[1:-1], 200)}.",
        row="htu",
        wanted=shown(without_query(htu), 200),
        found=shown(without_query(htu) + ("?" if part == "query" else "#") + "…", 200),
        section="RFC 9449 §4.2",
    )
