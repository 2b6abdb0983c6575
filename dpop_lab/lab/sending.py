"""A draft on its way: to the lab's server under some rules, and to one with the other policy."""

from dataclasses import replace
from typing import Any

import requests

from dpop_lab.checking import Report
from dpop_lab.errors import LabError
from dpop_lab.lab.crafting import url_of
from dpop_lab.lab.draft import Draft
from dpop_lab.lab.parties import Parties, exchange_of
from dpop_lab.lab.world import World
from dpop_lab.proof.rules import check_proof
from dpop_lab.server.access_token import token_of
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.policy import Policy
from dpop_lab.server.rfc9449 import RFC_9449
from dpop_lab.session.call import Call, read_call


def sent_to(
    parties: Parties,
    draft: Draft,
    steps: list[requests.PreparedRequest],
    proof: str,
    rules: Policy,
) -> dict[str, Any]:
    """Send the requests that carry out a draft; the fields of `Sent` that tell what came."""
    lab = parties.lab
    session = _session_for(lab, rules, nonce=draft.place.nonce)
    exchange = exchange_of(parties.send(session, draft.place, steps))
    reports = exchange.reports or _own_look(lab, draft, proof, rules)
    title = lab.kind.capitalize() if lab.live else rules.title
    return {
        "exchange": exchange.with_proofs(),
        "answered": read_call(replace(exchange, reports=reports), rules=title),
        "elsewhere": _elsewhere(parties, draft, steps, rules),
    }


def _session_for(lab: World, rules: Policy, *, nonce: bool) -> requests.Session:
    """The way to the lab's server under these rules, with its API's demand for nonces or not.

    Raises `LabError` when other rules than its own are wanted of a server that is not a twin.
    """
    if rules is lab.policy and (lab.live or nonce is lab.twin.resource_server.api_nonce):
        return lab.session
    if lab.live:
        problem = f"{lab.kind.capitalize()} keeps to its own rules"
        raise LabError(problem, advice="Use the twin: Lab().")
    return lab.session_under(rules, api_nonce=nonce)


def _elsewhere(
    parties: Parties, draft: Draft, steps: list[requests.PreparedRequest], rules: Policy
) -> Call | None:
    """What a server with the other policy, as if just started, says to the same bytes."""
    if parties.lab.live:
        return None
    other, place = DUENDE if rules.name == RFC_9449.name else RFC_9449, draft.place
    session = parties.lab.session_under(other, api_nonce=place.nonce, afresh=True)
    exchange = exchange_of(parties.send(session, place, steps))
    return read_call(exchange, rules=other.title)


def _own_look(lab: World, draft: Draft, proof: str, rules: Policy) -> tuple[Report, ...]:
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
