"""Exchanges of a session as they are found, compared and named: by what they brought and gave."""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import product

from dpop_lab.doctor.problem import Problem
from dpop_lab.doctor.times import SKEW
from dpop_lab.session.call import Call, host_of
from dpop_lab.session.telling import WELL_KNOWN
from dpop_lab.show.values import cut, duration, is_time, shown
from dpop_lab.wire.labels import known
from dpop_lab.wire.message import first
from dpop_lab.wire.syntax import returns, signs_in, without_query

OF_SIGN_INS = {"code", "refresh_token", "code_challenge", "dpop_jkt"}  # parameters
REDIRECTS = (301, 302, 303, 307, 308)
SPENDS = ("invalid_dpop_proof", "use_dpop_nonce")  # errors of requests that may spend a code
PENDING = ("authorization_pending", "slow_down")
SUCCESS = re.compile(r"\bsuccess(?:ful\w*)?\b|\bissued (?:a )?token|token (?:was )?issued\b", re.I)
NEAREST = 20  # calls of those with something in common that are looked at, on either side
ANY = None  # of the servers
Mark = tuple[str, Hashable]  # what calls may have in common, behind a word for what it is
KEEP_NEWEST = (
    "Keep the newest nonce of every answer, also of a 200, for each server, and put it into the"
    " next proof: then a call needs one request."
)


class Others:
    """The other calls of a session, by what they have in common, which is read of each once.

    `at` is the number of the call that is looked at. Of those with one mark the first and the
    `NEAREST` count.
    """

    problems: Callable[[], tuple[Problem, ...]] = tuple  #: that these make plain: of one alone none

    def __init__(self, calls: tuple[Call, ...] = (), marked: Iterable[Iterable[Mark]] = ()) -> None:
        self.calls, self.at, self._found = calls, 0, defaultdict[Mark, list[int]](list)
        for number, marks in enumerate(marked):
            for mark in marks:
                self._found[mark].append(number)

    def _near(self, what: str, values: Iterable[Hashable]) -> list[int]:
        found = set[int]()
        for numbers in (self._found.get((what, one), []) for one in values):
            at = bisect_left(numbers, self.at)
            found.update(numbers[:1], numbers[max(at - NEAREST, 0) : at + NEAREST])
        return sorted(found)

    def before(self, what: str, *values: Hashable) -> list[Call]:
        """Those before it that have one of these values in common with it, the newest first."""
        return [self.calls[one] for one in self._near(what, values)[::-1] if one < self.at]

    def after(self, what: str, *values: Hashable) -> list[Call]:
        """Those behind it that have one of these, in their order."""
        return [self.calls[one] for one in self._near(what, values) if one > self.at]

    def around(self, what: str, *values: Hashable) -> list[Call]:
        """Those before and behind it, in their order."""
        return [self.calls[one] for one in self._near(what, values) if one != self.at]


ALONE = Others()


def of_sign_in(call: Call) -> bool:
    """Has it to do with a sign-in, or with what came of one?"""
    known = call.of_a_person or call.form.keys() & OF_SIGN_INS or call.error == "invalid_grant"
    sent_to = first(call.exchange.response_headers, "Location")
    return bool(known) or signs_in(call.url) or returns(sent_to)


def settled(call: Call, others: Others) -> bool:
    """Did a later request to the same place get through?"""
    return bool(others.after("got through", request_of(call)))


def solved(call: Call, others: Others) -> str:
    """What to say where a later request got what this one was refused for want of; else empty."""
    told = "A later request of this session got through."
    if not call.status:
        alone = call.wants_nonce and not (call.method or call.challenges)
        later = (call, *others.after("request", request_of(call))) if alone else ()
        well = "The server asked for its nonce, and then it went well."
        return well * any(SUCCESS.search(one.around) for one in later)
    if call.status == 404 and WELL_KNOWN in call.url:  # RFC 8414 first, OpenID's place next
        return told * bool(others.after("metadata", host_of(call.url)))
    if call.status in REDIRECTS:
        followed = others.after("url", first(call.exchange.response_headers, "Location"))
        return "A later request went where this one was sent on to." * bool(followed)
    if call.error in PENDING:
        return "The user has not agreed yet: ask again, each time with a new proof (RFC 8628 §3.5)."
    if call.wants_nonce:
        told = "The server asked for its nonce, and got it in the next request: as it should be."
        if call.nonces and call.is_proof and "nonce" not in call.proof.claims:
            given = shown(call.nonces[-1], 60)
            told = f"The proof has no nonce, though {given} was given before."
            told += f" {KEEP_NEWEST}"
        tries = others.after("request", request_of(call))
        more = "A later exchange tells more." * any(one.is_proof for one in tries)
        return told if any(not one.wants_nonce for one in tries) else more
    refused = call.error == "invalid_token" or call.bare_challenge
    good = others.after("got through", request_of(call)) if refused else []
    return told * any(not call.token or one.token != call.token for one in good)


def request_of(call: Call) -> tuple[str, str]:
    """The method, and the host and the path that a request goes to."""
    return call.method, place_of(call)


def servers(call: Call) -> Iterator[Hashable]:
    """The server that a call goes to, as far as that is known: what is at it has one of these."""
    return product(*((one, "") if one else (ANY,) for one in (call.place, host_of(call.url))))


def same_server(one: Call, other: Call) -> bool:
    """Do both go to one server, as far as is known? Its two places keep nonces of their own."""
    pairs = ((one.place, other.place), (host_of(one.url), host_of(other.url)))
    return all(mine == theirs or not (mine and theirs) for mine, theirs in pairs)


def place_of(call: Call) -> str:
    """Host and path, without the query."""
    return host_of(call.url) + without_query(call.url).partition("://")[2]


def named(call: Call) -> str:
    """The name of an exchange, without how many there are."""
    return call.name.partition(" of ")[0]


def answered(call: Call) -> str:
    """An exchange with what came of it, in brackets."""
    return f"{named(call)} ({call.said or 'no answer'})"


def used_up(first: Call) -> str:
    """That an exchange used something up, and what came of it."""
    used = f"{answered(first)} used it up"
    if first.refused:
        proofless = first.whole and not first.is_proof and "proof" not in first.hidden
        return f"{used}, though it was refused" + " for want of a proof" * proofless
    return f"{used}, though no answer came" if first.status is None else used


def answer_to(call: Call) -> tuple[str, str]:
    """Status, error and words, by which two answers are alike."""
    return call.said, call.description


def same_answer(one: Call, other: Call) -> bool:
    """Were both refused alike? Then the second was not refused for what the first had done."""
    return answer_to(one) == answer_to(other) and one.refused


def value_of(call: Call, name: str) -> str:
    """A parameter that is known, or whose mask stands for it alone; else empty."""
    return known(call.form.get(name, ""))


def agrees(call: Call) -> bool:
    """Was a proof made by a clock that agrees with the server's Date?"""
    made = call.proof.claims.get("iat")
    return call.date is not None and is_time(made) and abs(made - call.date) <= SKEW


def clock_apart(call: Call, others: Others) -> tuple[str, str]:
    """The server's clock where another server's agrees with the client's and it does not; or none.

    A Date behind a proof's iat tells of a clock, one ahead may tell of an old proof, unless
    another server's later Date lies before it: times of one session go forward.
    """
    iat, server, host = call.proof.claims.get("iat"), call.date, host_of(call.url)
    if server is None or not is_time(iat) or agrees(call):
        return "", ""
    later = others.after("clock agrees", True)
    for number, one in enumerate((*later, *others.before("clock agrees", True))):
        there, other = one.date or 0, host_of(one.url)
        if host in ("", other):
            continue
        if iat > server or (number < len(later) and there + SKEW < server):
            way = "behind" if server < iat else "ahead"
            return (
                f"fresh: the clock of {cut(host, 80)} is {duration(iat - server)} {way}, by its"
                f" Date; {cut(other, 80)} agrees with the client's clock",
                f"The server has to set its clock (NTP): {cut(host, 80)}, not the client, whose"
                " clock is right.",
            )
    return "", ""
