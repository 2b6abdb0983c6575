"""What servers' words mean when they refuse: which row they are about, or what else, and why."""

import re
from dataclasses import replace
from functools import cache

from dpop_lab.checking import Check
from dpop_lab.doctor.advice.tokens import form_advice
from dpop_lab.doctor.faults import fault_in_words
from dpop_lab.doctor.general import ELSEWHERE, IN_GENERAL
from dpop_lab.doctor.grammar import Wording, spaced, squeezed
from dpop_lab.doctor.paste.refusals import FAILS, STATUS, TESTED, words_in
from dpop_lab.doctor.policy_words import blamed, of_a_policy
from dpop_lab.doctor.problem import OPEN, Problem
from dpop_lab.doctor.wordings import SPECIFIC, VAGUE
from dpop_lab.proof import rules
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.policy import Policy
from dpop_lab.server.rfc9449 import RFC_9449
from dpop_lab.session.answer import ABOUT_DPOP, TOKEN_SCHEMES
from dpop_lab.session.asked import speaks_of_dpop
from dpop_lab.session.call import API, TOKEN_ENDPOINT, Call, brings_error

MOST_ROWS = 3
ROWS = {row.name: row for profile in RFC_9449.profiles.values() for row in profile.rows}
OF_PROOFS = RFC_9449.profiles["api_nonce"].rows
PAGE = re.compile(
    r"\s*<(?:!doctype html|html)(?:(?!<title>)[^\0]){0,400}+(?:<title>([^<]{0,200}))?", re.I
)
#: What other lines than the server's words tell of: those of a browser, an app, a middleware.
BESIDE = (
    "let in", "own store", "issuer keys", "own rule", "cors", "websocket", "no crypto", "too large",
    "lost key", "no scheme", "no binding",
)  # fmt: skip
BESIDE_WORDS = tuple(one for one in SPECIFIC if one.topic in BESIDE)
OURS = re.compile(r"\bby the row (\w+)")  # as `dpop-lab serve --explain` prints it
#: By which words each kind of request is known that `where` tells.
PLACES = {
    "refresh": re.compile(r"refresh.?token|refresh request|^refresh|\brenew"),
    "par": re.compile(r"/par\b|\bpar (?:request|endpoint)"),
    "code": re.compile(
        r"authori[sz]ation.?code|code.{0,4}exchange|code_to_token|callback\b|pushed"
    ),
    "token": re.compile(r"\btoken (?:endpoint|request|exchange)|/token\b"),
}
STRICTER = """No row that can be asked fails, so the server is stricter or knows something else: \
compare its clock, the URL and the method it sees, and the algorithms in its metadata."""


def meaning(call: Call, policy: Policy = DUENDE) -> Problem | None:
    """What the words of a refusal mean, and what to do; None where nothing was refused.

    Made of the words, the code, the status and the challenges alone, and of what kind of request
    it was: no row is asked. The words of a policy are read by it, others by their wording. What it
    explains begins with its topic: the name of a row, an error code, or a few words.
    """
    if not call.refused and (call.status or 0) < 300:
        return None
    said = blamed(call, policy)
    rows = tuple(dict.fromkeys(row for row, _, _ in said))
    told = 0 < len(rows) <= MOST_ROWS  # words that fit many rows tell of none
    found = of_a_policy(call, rows, said) if told else _by_wording(call)
    if found is None:
        return None
    from dpop_lab.doctor.clues import with_clues  # loaded when there are words

    found = with_clues(found, call)
    compared = found.title.startswith(("htu has", "htu is the same"))  # two URLs
    either = {*VAGUE, *OPEN, *[rules.htu.name] * (not compared)}
    vague = either & {*found.explains} and not found.at_server
    start = f"{call.said}: {found.title[0]}" if call.said else found.title[0].upper()
    return replace(
        found,
        title=start + found.title[1:],
        quoted=call.description or _title(call) or "",
        guess="open" if vague else "likely",
    )


# ---- the words of others


def _by_wording(call: Call) -> Problem | None:
    """What words mean that no policy has, or the code, or the status."""
    words = call.description[:4000]
    lines = [*filter(FAILS.search, words.split("\n"))]  # of which others may hold any word
    failing = sorted(lines, key=lambda line: not TESTED.search(line)) or [
        _said_beside(call) or words
    ]
    for text in (*failing, "\n".join(failing), words):  # words of two lines may have no connection
        found = _in_the_table(call, text, SPECIFIC)
        if found and found.explains[0] not in VAGUE:
            break
    else:
        found = _in_the_table(call, failing[0], SPECIFIC) or _in_the_table(call, words, SPECIFIC)
    beside = _in_the_table(call, call.around, BESIDE_WORDS) if call.around else None
    vague = found is None or found.explains[0] in VAGUE
    if beside and (vague or "cors" in beside.explains):
        found = beside  # of CORS the page sees nothing but that
    dpop = call.scheme.lower() == "dpop" or "authorization: dpop" in call.around.lower()
    if found is None and dpop and (other := _other_schemes(call)):
        title = f"the challenge names {other} alone, so this server does not take DPoP here"
        action = " ".join(ELSEWHERE.split())
        return Problem(title, action, explains=("no scheme",), at_server=True)
    return found or _in_the_table(call, words, IN_GENERAL)


def _said_beside(call: Call) -> str:
    """What the lines around an answer that has no words of its own say of a failure."""
    told = (words_in(line) for line in call.around.split("\n")) if call.error else ()
    return next((one.text for one in told if one and one.fails and not one.error), "")


def _other_schemes(call: Call) -> str:
    """The schemes of the challenges, where none is DPoP and no word is about it; else empty."""
    schemes = dict.fromkeys(one.scheme.title() for one in call.challenges or ())
    known = "Dpop" in schemes or speaks_of_dpop(call)
    return "" if known else " and ".join(schemes)


def _in_the_table(call: Call, text: str, table: tuple[Wording, ...]) -> Problem | None:
    """What a text means by the first wording of a table that fits it."""
    found = fitting(call, text, table)
    return _worded(found, ROWS.get(found.topic), call) if found else None


def fitting(call: Call, text: str, table: tuple[Wording, ...]) -> Wording | None:
    """The first wording of a table that fits a text about this call, None where none does."""
    line, words = _line(call, text), squeezed(text)
    dpop, ours = call.is_proof or call.hidden or ABOUT_DPOP.search(line), OURS.search(words)
    for wording, pattern in _patterns(table):
        row = ROWS.get(wording.topic)
        fits = (dpop or row not in OF_PROOFS) and pattern.search(line)
        if wording.topic == ours[1] if ours else fits:
            return wording
    return None


def _line(call: Call, text: str) -> str:
    """What wordings are searched in: where it was, scheme and status, the code, the words."""
    words, title = squeezed(f"{text} {spaced(text)}"), _title(call)
    scheme = call.scheme.upper() if call.scheme.lower() in TOKEN_SCHEMES else ""
    status = call.status or "".join(STATUS.findall(text)[:1])
    code = call.error.lower() or "bare_challenge" * call.bare_challenge
    if not code and title is not None:
        code = f"web_page {title.lower()}"
    return f"[{_where(call, words)} {scheme} {status}] #{code} {words}"


def _title(call: Call) -> str | None:
    """The title of the web page that came for an answer, empty for none; None for no page."""
    page = PAGE.match(call.exchange.response_body)
    return page and " ".join((page[1] or "").split())


@cache
def _patterns(table: tuple[Wording, ...]) -> tuple[tuple[Wording, re.Pattern[str]], ...]:
    return tuple((one, one.pattern) for one in table)


def _where(call: Call, words: str) -> str:
    """Which kind of request it was, such as `par` or `refresh`; empty if unknown."""
    if call.personal == "authorization endpoint" or brings_error(call.exchange):
        return "authorize"
    grant = call.form.get("grant_type", "")
    beside = "" if grant or call.place == API else f"{call.url} {call.around}".lower()
    for text in (grant or words, beside):
        for where, pattern in PLACES.items():
            if pattern.search(text):
                return where
    return {TOKEN_ENDPOINT: "token", API: "api"}.get("token endpoint" if grant else call.place, "")


def _worded(wording: Wording, row: Check | None, call: Call) -> Problem:
    """What a wording says of a call."""
    todo = wording.do or (row.mend if row else "")
    if wording.topic == "any row" and call.is_proof:
        todo = STRICTER
    elif wording in IN_GENERAL:
        todo = form_advice(call) or todo
    words = squeezed(call.description)
    fault = fault_in_words(row.name, _where(call, words), words) if row else ""
    means = wording.means or fault
    return Problem(
        " ".join(means.split()),
        " ".join(todo.split()),
        row.section if row else "",
        row=row.name if row else "",
        explains=(wording.topic,),
        at_server=wording.at_server,
    )
