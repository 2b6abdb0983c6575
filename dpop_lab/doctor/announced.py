"""What a server announced or registered, against what it did: documents of a session compared."""

import re
from collections.abc import Iterator

from dpop_lab.doctor.exchanges import Others, named
from dpop_lab.doctor.metadata import ALGS, BOUND, Members
from dpop_lab.doctor.problem import Problem
from dpop_lab.server.common import basic_pair
from dpop_lab.session.call import Call, host_of
from dpop_lab.session.telling import WELL_KNOWN
from dpop_lab.show.values import cut

#: Words around an answer that its token is bound by DPoP.
ISSUED = re.compile(r"token_?type\W{1,6}(?:is |was |says |said )?\W{0,2}dpop\b|DPoP-?bound", re.I)


def unbound_for(call: Call, others: Others) -> Iterator[Problem]:
    """A token without a proof for a client that is registered for bound tokens alone."""
    if not call.token_request or not call.succeeded or call.is_proof or "proof" in call.hidden:
        return
    mine = call.form.get("client_id") or (basic_pair(call.authorization) or ("",))[0]
    for one in others.around("bound", mine)[:1]:
        yield Problem(
            f"The client is registered with {BOUND}: true ({named(one)}), yet it got a token for a"
            " request without a proof",
            "The authorization server has to refuse each token request of this client that has no"
            " DPoP header, with invalid_dpop_proof: else a token that needs no key can be had in"
            " its name. The client has to send a proof all the same.",
            "RFC 9449 §5.2",
            "a DPoP header",
            "nothing",
            at_server=True,
        )


def unlike(call: Call, others: Others) -> Iterator[Problem]:
    """Two documents of one issuer that announce DPoP otherwise, or only one of which does."""
    mine = call.members
    alike = "issuer", str(mine.get("issuer"))
    for one in (*others.before(*alike)[:1], *others.after(*alike)[:1]):
        if mine.get(ALGS) == one.members.get(ALGS):
            continue
        lacks = next((each for each in (call, one) if ALGS not in each.members), None)
        has = one if lacks is call else call
        yield Problem(
            f"Two metadata documents of {cut(str(mine['issuer']), 80)} differ: {ALGS} "
            + (
                f"is missing in {_place(lacks)} and stands in {_place(has)}"
                if lacks
                else f"is not the same in {_place(call)} and {_place(one)}"
            ),
            "The server has to announce the same in both documents (RFC 8414 §3, OpenID Connect"
            " Discovery): it knows DPoP. A client that finds nothing in one may read the other,"
            " and should not fall back to Bearer.",
            "RFC 9449 §5.1",
            explains=("one_header", "no scheme", "status", "any row", "alg"),
            at_server=True,
        )
        return


def not_as_announced(call: Call, others: Others) -> Iterator[Problem]:
    """A proof refused for an algorithm that the server's own metadata names."""
    alg, words = call.proof.header.get("alg"), call.description.lower()
    if not call.refused or not isinstance(alg, str) or not re.search(r"\balg", words):
        return
    known = others.around("algs", (host_of(call.url),))
    for one in [one for one in known if alg in one.members[ALGS]][:1]:
        yield Problem(
            f"alg: the metadata in {named(one)} names {cut(alg, 20)}, and the server refuses it",
            "The server has to take what it announces, or to leave it out of its metadata. Till"
            " then sign with another algorithm of the list, best ES256.",
            "RFC 9449 §5.1",
            row="alg",
            explains=("alg", "any row"),
            at_server=True,
        )


def _place(call: Call) -> str:
    """Where a document is, by the end of its URL, or the exchange."""
    for text in (call.url, *reversed(call.around.split("\n"))):
        if WELL_KNOWN in text:
            return cut(text.rpartition(WELL_KNOWN)[2].split()[0], 60)
    return named(call)


def binding_lost(call: Call, others: Others) -> Iterator[Problem]:
    """An introspection answer without cnf of a token that was given as DPoP."""
    told, token = call.members, call.form.get("token", "")
    if told.get("active") is not True or "cnf" in told or not token:
        return
    given = [one for one in others.around("issued", token) if one.token_type.lower() == "dpop"]
    given += [one for one in others.around("token", token) if one.scheme.lower() == "dpop"]
    if given:
        yield _hidden_key(f"{named(given[0])} has it as a DPoP token")


def not_told(value: Members, asked: str) -> Iterator[Problem]:
    """A token that is a DPoP one by what stands around the answer, which has no cnf."""
    kind = str(value.get("token_type", "")).lower()
    if value.get("active") is True and "cnf" not in value and kind == "bearer":
        if ISSUED.search(asked):
            yield _hidden_key("the token was given as a DPoP token")


def _hidden_key(why: str) -> Problem:
    """An introspection answer that does not tell the key of a bound token."""
    return Problem(
        f"cnf.jkt is missing in the introspection answer, though {why}: the API can't compare the"
        " proof's key with anything",
        "The authorization server has to give cnf with jkt, and token_type DPoP, in its"
        " introspection answer.",
        "RFC 9449 §6.2",
        "cnf with jkt",
        "nothing",
        explains=("bound_key", "no binding", "invalid_token"),
        at_server=True,
    )
