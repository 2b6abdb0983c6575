"""What is wrong with an exchange that no row asks for."""

from collections.abc import Iterator

from dpop_lab.doctor.case import API, Case
from dpop_lab.doctor.decoded import thumbprint_or_none
from dpop_lab.doctor.problem import Problem
from dpop_lab.jose.jws import read_jws
from dpop_lab.proof.htu import without_query
from dpop_lab.proof.rendering import shown


def beside(case: Case) -> Iterator[Problem]:
    """What no row asks: tokens in the wrong place or not bound, answers that never came."""
    if case.failure:
        yield Problem(
            title=f"No answer came: {shown(case.failure, 200)}",
            action="Look at the address, the network, its proxy and certificates.",
        )
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


def queried(case: Case) -> Problem | None:
    """An htu with a query or a fragment: many servers pass over them, others do not."""
    htu = case.proof.claims.get("htu")
    if not isinstance(htu, str) or not ("?" in htu or "#" in htu):
        return None
    part = "query" if "?" in htu else "fragment"
    return Problem(
        title=f"htu: it has a {part}",
        action=f"htu has a {part}: send {shown(without_query(htu), 200)[1:-1]}.",
        row="htu",
        wanted=shown(without_query(htu), 200),
        found=shown(without_query(htu) + ("?" if part == "query" else "#") + "…", 200),
        section="RFC 9449 §4.2",
    )
