"""What servers' words mean when they refuse: which row they are about, or what else, and why."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from dpop_lab.checking import Check
from dpop_lab.doctor.advice.tokens import form_advice
from dpop_lab.doctor.beside_proofs import ELSEWHERE
from dpop_lab.doctor.clues import times_told, urls_told
from dpop_lab.doctor.codes import MEANINGS, STATUS, STATUSES, STRICTER
from dpop_lab.doctor.urls import oddities
from dpop_lab.doctor.wordings import CATCH_ALL, PLACES, TABLE, Wording
from dpop_lab.proof import rules
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.policies import POLICIES
from dpop_lab.server.policy import Policy
from dpop_lab.server.rfc9449 import RFC_9449
from dpop_lab.session.asked import speaks_of_dpop
from dpop_lab.session.call import ABOUT_DPOP, API, TOKEN_ENDPOINT, TOKEN_SCHEMES, Call
from dpop_lab.show.values import shown

#: A row that failed, and at which place under which policy; of a guess the row alone.
Said = tuple[Check, str, str]
MOST_ROWS = 3
#: What other lines than the server's words tell of: those of a browser, an app, a middleware.
TOLD_BESIDE = ("cors", "lost key", "no scheme", "unbound")
ROWS = {row.name: row for profile in RFC_9449.profiles.values() for row in profile.rows}
OF_PROOFS = RFC_9449.profiles["api_nonce"].rows
PAGE = re.compile(
    r"\s*<(?:!doctype html|html)(?:(?!<title>)[^\0]){0,400}+(?:<title>([^<]{0,200}))?", re.I
)
OURS = re.compile(r"\bby the row (\w+)")  # as `dpop-lab serve --explain` prints it


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What the words of a refusal mean, as far as they tell by themselves, and what to do."""

    #: the name of a row, an error code, a status, or a few words such as `any row` or `no scheme`
    topic: str
    #: what the words mean, to stand behind them and a colon; without an end mark
    title: str
    action: str
    section: str = ""  #: where the rule is written
    #: the rows that the words may be about, the likeliest first; none where no row asks for it
    rows: tuple[Check, ...] = ()
    exact: bool = True  #: False for a guess, and for words that stand for many faults

    @property
    def row(self) -> Check | None:
        """The row that the words are most likely about."""
        return next(iter(self.rows), None)


def _words_of(policy: Policy) -> Iterator[tuple[str, str, Said]]:
    """Description and error code of every refusal of a policy, with the row behind it."""
    answers = [
        (answer, row, TOKEN_ENDPOINT if name.startswith("token") else API)
        for name, profile in policy.profiles.items()
        for key, answer in profile.answers.items()
        for row in profile.rows
        if row.name == (key if isinstance(key, str) else key[0])
    ]
    for answer, row, place in (*answers, (policy.no_proof, rules.one_header, TOKEN_ENDPOINT)):
        if answer.description:
            yield answer.description, answer.error or "", (row, place, policy.name)


@cache
def _known() -> tuple[tuple[str, str, Said], ...]:
    return tuple(said for policy in POLICIES.values() for said in _words_of(policy))


def _squeezed(text: str) -> str:
    """A text without letter case, escapes, quotes and end mark, as it may have been copied."""
    text = re.sub(r"\\u0027|&#39;|&#x27;|&apos;|[\u2018\u2019`\"']", "", text.lower())
    return " ".join(text.replace("\\", "").split()).strip(" .")


def meaning(call: Call, policy: Policy = DUENDE) -> Meaning | None:
    """What the words of a refusal mean; None where nothing was refused.

    Made of the words, the code, the status and the challenges alone, and of what kind of request
    it was: no row is asked. The demo's own words are read by the policy, others by their wording.
    """
    said = blamed(call, policy)
    rows = tuple(dict.fromkeys(row for row, _, _ in said))
    if len(rows) > MOST_ROWS:  # words that fit many rows tell of none
        return _in_general(call)
    found = _of_a_policy(rows, said) if rows else _worded(call)
    if found is None:
        return _in_general(call)
    about = {rules.htu.name: urls_told, rules.fresh.name: times_told}.get(found.topic)
    told, todo = about(call) if about and not rows else ("", "")
    if told:
        found = replace(found, title=f"{found.title}; {told}", action=todo or found.action)
    if found.topic == rules.htu.name and (odd := oddities(str(call.proof.claims.get("htu", "")))):
        found = replace(found, action=f"In this htu, {'; '.join(odd)}. {found.action}")
    return _mislabelled(call, found)


def _of_a_policy(rows: tuple[Check, ...], said: tuple[Said, ...]) -> Meaning:
    """What words mean that are those of a policy."""
    [row, *_], names = rows, " or ".join(row.name for row in rows)
    places = dict.fromkeys(place for _, place, _ in said)
    title = f"the row {names} failed at the {' or '.join(places)}"
    title += ", in the demo server's words" * ({name for _, _, name in said} == {DUENDE.name})
    return Meaning(topic=row.name, title=title, action=row.mend, section=row.section, rows=rows)


def _worded(call: Call) -> Meaning | None:
    """What words mean that no policy has, by the table; None where it has none of them."""
    found = _in_the_table(call, call.description[:4000]) if call.description else None
    beside = _in_the_table(call, call.around, TOLD_BESIDE) if call.around else None
    hidden = beside is not None and beside.topic == "cors"  # the page sees nothing of the rest
    return beside if hidden or not found else found


def _in_the_table(call: Call, text: str, topics: tuple[str, ...] = ()) -> Meaning | None:
    """What a text means by the table; by these topics of it alone, where some are given."""
    words = _squeezed(text)
    scheme = call.scheme.upper() if call.scheme.lower() in TOKEN_SCHEMES else ""
    line = f"[{_where(call, words)} {scheme}] #{call.error.lower()} {words}"
    dpop = call.is_proof or scheme == "DPOP" or ABOUT_DPOP.search(line)
    ours = OURS.search(words)
    for wording, pattern in _table():
        row = ROWS.get(wording.topic)
        if topics and wording.topic not in topics:
            continue
        if ours and wording.topic != ours[1]:
            continue
        if ours or ((dpop or row not in OF_PROOFS) and pattern.search(line)):
            names = row.name if row else ""
            means = wording.means or f"this sounds like the row {names}"
            todo = wording.do or (row.mend if row else "")
            if wording.topic == "any row" and call.is_proof:
                todo = STRICTER
            return Meaning(
                topic=wording.topic,
                title=" ".join(means.split()),
                action=" ".join(todo.split()),
                section=row.section if row else "",
                rows=(row,) if row else (),
                exact=wording.topic not in CATCH_ALL,
            )
    return None


@cache
def _table() -> tuple[tuple[Wording, re.Pattern[str]], ...]:
    return tuple((one, one.pattern) for one in TABLE)


def _where(call: Call, words: str) -> str:
    """Which kind of request it was: `code`, `refresh`, `token`, `api`, or nothing where unknown."""
    grant = call.form.get("grant_type", "")
    beside = "" if grant or call.place == API else call.around.lower()
    for text in (grant or words, beside):
        for where, pattern in PLACES.items():
            if pattern.search(text):
                return where
    return {TOKEN_ENDPOINT: "token", API: "api"}.get("token endpoint" if grant else call.place, "")


def _mislabelled(call: Call, found: Meaning) -> Meaning:
    """A meaning, with what a Bearer challenge is whose words are about DPoP."""
    schemes = {one.scheme for one in call.challenges or ()}
    if schemes != {"bearer"} or found.topic.startswith("no scheme") or not speaks_of_dpop(call):
        return found
    more = (
        "; the challenge says Bearer, but its words are about DPoP: the server knows DPoP and"
        " answers under the wrong scheme"
    )
    return replace(found, title=found.title + more)


def blamed(call: Call, policy: Policy = DUENDE) -> tuple[Said, ...]:
    """The rows that have these words in a policy; the demo's own first. Empty for none."""
    if not call.description:
        return ()
    words, error = _squeezed(call.description), call.error.lower()
    known = (*_known(), *_words_of(policy))
    fits = [(code, said) for text, code, said in known if _squeezed(text) == words]
    fits = [one for one in fits if error in ("", one[0])] or fits
    found = [said for _, said in fits]
    found = [said for said in found if call.place in ("", said[1])] or found
    return tuple(dict.fromkeys(found))


def _in_general(call: Call) -> Meaning | None:
    """What a refusal means where its words tell of no row; None where there was none."""
    if call.scheme.lower() == "dpop" and (other := _other_schemes(call)):
        title = f"the challenge names {other} alone, so this server does not take DPoP here"
        return Meaning(topic="no scheme", title=title, action=" ".join(ELSEWHERE.split()))
    told, error = _told(call), call.error.lower()
    if not told:
        return None
    topic = "any row" if error == "invalid_dpop_proof" else error or str(call.status or "")
    row = rules.nonce if error == "use_dpop_nonce" else None
    found = Meaning(topic=row.name if row else topic, title=told[0].rstrip("."), action=told[1],
                    rows=(row,) if row else (), exact=row is not None)  # fmt: skip
    return _mislabelled(call, found)


def _other_schemes(call: Call) -> str:
    """The schemes of the challenges, where none is DPoP and no word is about it; else empty."""
    schemes = dict.fromkeys(one.scheme.title() for one in call.challenges or ())
    known = "Dpop" in schemes or speaks_of_dpop(call)
    return "" if known else " and ".join(schemes)


def _told(call: Call) -> tuple[str, str] | None:
    if not call.refused and (call.status or 0) < 300:
        return None
    error = call.error.lower()
    if not error and call.status is None and (said := STATUS.search(call.description)):
        return STATUSES.get(int(said[0][:3])) or _any(call)
    if found := MEANINGS.get(error):
        if error == "invalid_dpop_proof" and call.is_proof:
            return found[0], STRICTER
        return found[0], form_advice(call) or found[1]
    if call.bare_challenge:
        return _bare(call)
    if page := PAGE.match(call.exchange.response_body):
        if "too large" in (title := (page[1] or "").lower()):
            return STATUSES[431]
        named = f", {shown(title, 80)}," * bool(title)
        return (
            f"A web page{named} came where an API or a token endpoint should answer.",
            "Check the URL, and whether a login page or a proxy stands in between.",
        )
    return STATUSES.get(call.status or 0) or _any(call)


def _bare(call: Call) -> tuple[str, str]:
    said = "The challenge names no error: there was no access token that the server takes."
    if call.is_demo:
        said += " So the demo server answers an expired or damaged token, a Bearer one, and none."
    todo = "Send the access token under the scheme DPoP; if it was, fetch a new one and try again."
    return said, todo


def _any(call: Call) -> tuple[str, str] | None:
    if call.error:
        return "An error of the server's own.", "Look it up in the server's documentation."
    if call.status is None:
        return None
    return f"The server answers {call.status}.", "Look into the server's log."
