"""What the rows say of a proof whose server keeps its own findings to itself."""

from dpop_lab.checking import Report
from dpop_lab.lab.crafting import Draft, url_of
from dpop_lab.lab.world import World
from dpop_lab.proof.rules import check_proof
from dpop_lab.server.access_token import token_of
from dpop_lab.server.policy import Policy


def own_look(lab: World, draft: Draft, proof: str, rules: Policy) -> tuple[Report, ...]:
    """The report on a proof that was sent to a live server, by these rules; none of a twin's."""
    if not lab.live or draft.place.scheme == "Bearer":
        return ()
    token = token_of(f"DPoP {draft.access_token}")
    if draft.access_token and token.problem:
        return ()  # of a kind that only its issuer can read
    report = check_proof(
        proof,
        profile=rules.token if draft.place.client_id else rules.api,
        method=draft.place.method,
        url=url_of(draft.place, lab),
        now=lab.clock.now(),
        access_token=draft.access_token or None,
        cnf=token.claims.get("cnf"),
    )
    return (report,)
