"""What was made for an earlier request, and sent again: a proof, its ath, a client assertion."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from dpop_lab.doctor.exchanges import (
    Earlier,
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
from dpop_lab.wire.message import first
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


def sent_twice(call: Call, earlier: Earlier, later: Earlier) -> Iterator[Problem]:
    """A proof or a client assertion that an earlier request has used up."""
    words = f"{call.error} {call.description}".lower()
    meant = [one for one in ONCE if call.refused and one.refused.search(words)]
    other = [
        one
        for one in (reversed(earlier) if meant else ())
        if same_server(one, call) and (call.wants_nonce or not same_answer(one, call))
    ]
    for thing in meant:
        if first := next((one for one in other if _same(thing.name, one, call)), None):
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


def _same(name: str, one: Call, other: Call) -> bool:
    """Did both bring the same one?"""
    if _ids(name, one) & _ids(name, other):
        return True
    if name != "DPoP":
        value = value_of(other, name)
        return bool(value) and value_of(one, name) == value
    jti = other.proof.claims.get("jti")
    same_jti = isinstance(jti, str) and one.proof.claims.get("jti") == jti
    same_text = other.is_proof and one.proofs[:1] == other.proofs[:1]
    same_text = same_text and "proof.jti" not in other.unseen
    return same_text or (same_jti and key_of(one) == key_of(other) != "")


def _ids(name: str, call: Call) -> set[str]:
    """The jti that a log names beside a request, without its proof or its assertion."""
    found = JTI.findall(f"{call.around}\n{call.description}")
    return {value for of, value in found if bool(of) == (name != "DPoP")}


def taken_for_used(call: Call, earlier: Earlier, later: Earlier) -> Iterator[Problem]:
    """A proof said to be used before, though each of several has a jti of its own."""
    said, jti = call.description.lower(), call.proof.claims.get("jti")
    others = [one for one in (*earlier, *later) if one.is_proof and same_answer(one, call)]
    seen = {str(one.proof.claims.get("jti")) for one in (*others, call)}
    if others and isinstance(jti, str) and len(seen) > len(others) and REPLAYED.search(said):
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


def old_hash(call: Call, earlier: Earlier, later: Earlier) -> Iterator[Problem]:
    """A proof with the hash of an access token that was renewed since."""
    ath = call.proof.claims.get("ath") if call.refused and call.token else None
    used = (one for one in earlier if ath and call.token != one.token != "")
    if old := next((one for one in used if access_token_hash(one.token) == ath), None):
        got = next((one for one in earlier if one.issued == call.token), None)
        since = f", and {named(got)} brought a new one" if got else ""
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


def sent_on(call: Call, earlier: Earlier, later: Earlier) -> Iterator[Problem]:
    """A proof that went along when the client followed a redirect."""
    for one in reversed(earlier):
        to, url = first(one.exchange.response_headers, "Location"), without_query(call.url)
        if call.refused and call.is_proof and to == call.url and one.proofs in ((), call.proofs):
            htu = str(call.proof.claims.get("htu"))
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
