"""Keys across a session: a token without one, another one than before, that of the login."""

from collections.abc import Iterator
from itertools import product

from dpop_lab.doctor.confirmation import BIND, PASSED_OVER
from dpop_lab.doctor.exchanges import Others, named, request_of
from dpop_lab.doctor.general import ELSEWHERE
from dpop_lab.doctor.metadata import ALGS
from dpop_lab.doctor.problem import Problem, unsupported_alg
from dpop_lab.session.asked import speaks_of_dpop
from dpop_lab.session.call import API, Call, host_of
from dpop_lab.session.decoded import key_of
from dpop_lab.show.values import shown

#: What servers may say of a key that does not fit.
OF_KEYS = (
    "bound_key", "invalid_token", "invalid_grant", "invalid_request", "any row",
    "invalid_dpop_proof",
)  # fmt: skip


def another_key(call: Call, others: Others) -> Iterator[Problem]:
    """A proof by another key than the access token was got with, or than introspection names."""
    mine = key_of(call)
    if not mine or call.wants_nonce or call.place != API or not call.refused:
        return
    got = others.before("issued", call.token)[:1]
    told = [("The token request", one, key_of(one)) for one in got]
    told += [("Introspection", one, _named_key(one)) for one in others.around("asked", call.token)]
    for source, one, bound in told:
        if bound and bound != mine:
            yield Problem(
                f"{source} in {named(one)} binds the access token to the key {shown(bound, 60)},"
                f" and this proof is by another key, {shown(mine, 60)}",
                "Sign with the key that the access token is bound to. Keep it across processes and"
                " page loads, as long as the token lives. Where it is lost, log in again.",
                "RFC 9449 §5, §6.2",
                bound,
                mine,
                "bound_key",
                explains=OF_KEYS,
            )
            return


def _named_key(call: Call) -> str:
    """The key that introspection names of a token which is in force."""
    cnf = call.members.get("cnf") if call.members.get("active") is True else None
    return str(cnf.get("jkt", "")) if isinstance(cnf, dict) else ""


def spelt_otherwise(call: Call, others: Others) -> Iterator[Problem]:
    """A request that was refused, and taken with the scheme in capitals as RFC 9449 writes it."""
    mine = call.scheme
    if not call.refused or mine == "DPoP" or mine.lower() != "dpop":
        return
    taken = others.around("taken as", ("DPoP", request_of(call)))
    if any(one.token == call.token for one in taken):
        yield Problem(
            f"scheme: the server refuses {shown(mine, 20)} and takes 'DPoP': it compares the"
            " letter case",
            "The server has to take the scheme in capital and small letters alike: its name is"
            " case-insensitive. Till then send DPoP, as RFC 9449 writes it.",
            "RFC 9110 §11.1",
            row="scheme",
            explains=("scheme", "bare_challenge", "invalid_token", "no scheme", "status"),
            at_server=True,
        )


def bearer_taken(call: Call, others: Others) -> Iterator[Problem]:
    """A request under DPoP that is refused where one under Bearer is taken."""
    if not call.refused or call.scheme.lower() != "dpop" or speaks_of_dpop(call):
        return
    if others.around("taken as", *product(("Bearer", "bearer"), [request_of(call)])):
        yield Problem(
            "This server takes a token under Bearer and refuses one under DPoP: it does not know"
            " the scheme DPoP",
            " ".join(ELSEWHERE.split()),
            "RFC 9449 §7.1",
            explains=("no scheme", "status", "invalid_token", "bare_challenge"),
            at_server=True,
            guess="likely",
        )


def unbound(call: Call, others: Others) -> Iterator[Problem]:
    """A token that is bound to no key, since the request for it had no proof."""
    wanted = any(one.scheme == "dpop" for one in call.challenges or ())
    wanted = wanted or call.is_proof or "dpop" in call.description.lower()
    source = next(reversed(others.before("issued", call.token)), None)
    if not source or not call.refused or not wanted or not source.whole:
        return
    if source.is_proof or "proof" in source.hidden or "cnf" in call.access_token.claims:
        return
    yield Problem(
        "The access token is bound to no key, since the token request in"
        f" {named(source)} had no DPoP header",
        "Send a proof in a DPoP header with the token request, look for token_type DPoP in the"
        " answer, then call the API under the scheme DPoP with a proof by the same key.",
        "RFC 9449 §5",
        row="bound_key",
        explains=("bound_key", "scheme", "no binding", "one_header", "ath", "invalid_token"),
    )


def misbound(call: Call, others: Others) -> Iterator[Problem]:
    """A token got with a proof that is bound to no key, or to another than that proof's."""
    source = next(iter(others.before("issued", call.token)), None)
    mine, cnf = source and key_of(source), call.access_token.claims.get("cnf")
    refused = call.refused and not call.wants_nonce
    if not (source and mine and refused and call.access_token.claims):
        return
    bound = cnf.get("jkt") if isinstance(cnf, dict) else None
    passed_over = cnf is None and source.token_type.lower() == "bearer"
    if passed_over or (bound and mine == key_of(call) != bound):
        to = "no key" if passed_over else f"another key, {shown(bound, 60)}"
        yield Problem(
            f"The access token is bound to {to}, though a proof went with the request for it in"
            f" {named(source)}",
            PASSED_OVER if passed_over else BIND.format(mine),
            "RFC 9449 §5",
            mine,
            shown(bound, 80) if bound else "nothing",
            explains=(*OF_KEYS, "no binding", "no scheme"),
            at_server=True,
        )


def other_alg(call: Call, others: Others) -> Iterator[Problem]:
    """An algorithm that the server's metadata, fetched before, does not name."""
    known = others.before("algs", (host_of(call.url),)) if call.refused and call.is_proof else []
    for one in known[:1]:
        yield from unsupported_alg(call, one.members[ALGS], f"the metadata in {named(one)}")
