"""What was made for an earlier request, and sent again: a proof, its ath, a client assertion."""

import re
from collections.abc import Hashable, Iterator
from typing import NamedTuple

from dpop_lab.doctor.exchanges import (
    Others,
    answer_to,
    named,
    same_answer,
    same_server,
    used_up,
    value_of,
)
from dpop_lab.doctor.problem import Problem
from dpop_lab.doctor.urls import differences
from dpop_lab.proof import access_token_hash
from dpop_lab.session.call import Call
from dpop_lab.session.decoded import key_of
from dpop_lab.show.values import shown
from dpop_lab.wire.syntax import without_query

REPLAYED = re.compile(r"replay|already|re-?us|\bused\b|duplicate")
JTI = re.compile(r"(?i)(assertion[_.-]?)?jti[\"']?\s?[=:]\s?[\"']?([\w-]{4,64})")


class Once(NamedTuple):
    """Something that may go out once, and what to do where it went out twice."""

    name: str  #: of the parameter; `DPoP` for the proof
    words: str
    refused: re.Pattern[str]  #: the code and the words of a refusal that it may account for
    action: str
    section: str
    explains: tuple[str, ...]
    row: str = ""


ONCE = (
    Once(
        "DPoP",
        "proof",
        re.compile(
            r"^(?:invalid_dpop_proof|use_dpop_nonce|invalid_request)? "
            r"|replay|already|re-?us|\bused\b|\bjti\b|unique|duplicate"
        ),
        "Make a new proof with a new jti for each attempt. A retry by the HTTP library or an"
        " interceptor repeats the headers as they were: make the proof inside what is retried.",
        "RFC 9449 §11.1",
        ("unused", "jti", "any row", "nonce", "use_dpop_nonce"),
        "unused",
    ),
    Once(
        "client_assertion",
        "client assertion",
        re.compile("^invalid_client "),
        "Make a new assertion, with a jti of its own, for each request, also for the one that"
        " brings the nonce.",
        "RFC 7523 §3",
        ("invalid_client",),
    ),
)


def sent_twice(call: Call, others: Others) -> Iterator[Problem]:
    """A proof or a client assertion that an earlier request has used up."""
    words = f"{call.error} {call.description}".lower()
    for thing in ONCE if call.refused else ():
        if not thing.refused.search(words):
            continue
        alike = others.before(thing.name, *brought(thing.name, call))
        other = (one for one in alike if call.wants_nonce or not same_answer(one, call))
        if first := next((one for one in other if same_server(one, call)), None):
            what, ids = thing.words, _ids(thing.name, first) & _ids(thing.name, call)
            here = f"here (its jti is {shown(min(ids), 60)})" if ids else "here"
            if thing.row and not ids and first.proofs != call.proofs:
                what = "jti, under the same key,"
            yield Problem(
                f"The same {what} went out twice, in {named(first)} and {here}: {used_up(first)}",
                thing.action,
                thing.section,
                row=thing.row,
                explains=thing.explains,
            )
            return


def brought(name: str, call: Call) -> Iterator[Hashable]:
    """What a proof or an assertion is known again by: its text, its jti, that with its key."""
    yield from (("jti", one) for one in _ids(name, call))
    if name != "DPoP":
        yield from filter(None, [value_of(call, name)])
    elif call.is_proof:
        jti, key = call.proof.claims.get("jti"), key_of(call)
        yield from [call.proofs[0]] * ("proof.jti" not in call.unseen)
        yield from [(jti, key)] * (isinstance(jti, str) and key != "")


def _ids(name: str, call: Call) -> set[str]:
    """The jti that a log names beside a request, without its proof or its assertion."""
    found = JTI.findall(f"{call.around}\n{call.description}")
    return {value for of, value in found if bool(of) == (name != "DPoP")}


def taken_for_used(call: Call, others: Others) -> Iterator[Problem]:
    """A proof said to be used before, though each of several has a jti of its own."""
    said, jti = call.description.lower(), call.proof.claims.get("jti")
    if not isinstance(jti, str) or not REPLAYED.search(said):
        return
    alike = others.around("refused", answer_to(call))
    seen = {str(one.proof.claims.get("jti")) for one in (*alike, call)}
    if alike and len(seen) > len(alike):
        yield Problem(
            "unused: the server says that the proof was used before, and each of these requests has"
            " a jti of its own",
            "The server has to know a proof by its jti: look at its memory. Is its key something"
            " that several proofs share, or is one proof looked at twice, as by a gateway and the"
            " service behind it, or by two filters? The client has nothing to mend.",
            "RFC 9449 §11.1",
            row="unused",
            explains=ONCE[0].explains,
            at_server=True,
            guess="likely",
        )


def old_hash(call: Call, others: Others) -> Iterator[Problem]:
    """A proof with the hash of an access token that was renewed since."""
    ath = call.proof.claims.get("ath") if call.refused and call.token else None
    used = others.before("token's hash", ath) if isinstance(ath, str) else []
    if used and (old := used[-1]).token != call.token:
        got = others.before("issued", call.token)[-1:]
        since = f", and {named(got[0])} brought a new one" if got else ""
        yield Problem(
            f"ath: it is the hash of the old access token, that of {named(old)}{since}",
            "Compute ath anew for each proof, from the very access token that goes with it: after a"
            " renewal from the new one.",
            "RFC 9449 §4.2",
            access_token_hash(call.token),
            str(ath),
            "ath",
            explains=("ath", "invalid_token", "any row"),
        )


def sent_on(call: Call, others: Others) -> Iterator[Problem]:
    """A proof that went along when the client followed a redirect."""
    url, htu = without_query(call.url), str(call.proof.claims.get("htu"))
    for one in others.before("sent to", call.url) if call.refused and call.is_proof else ():
        if one.proofs in ((), call.proofs):
            if not (parts := differences(url, htu)):
                return
            yield Problem(
                f"htu: {named(one)} ({one.said}) sent the client on to this URL, and the proof that"
                " was made for the first one went along",
                f"htu has {' and '.join(parts.values())}: send {url}. Call that URL"
                " from the start, and do not let the HTTP library follow redirects with these"
                " headers: each URL needs a proof of its own.",
                "RFC 9449 §4.3 (9)",
                url,
                htu,
                "htu",
                explains=("htu", "htm", "ath", "unused", "any row"),
            )
            return
