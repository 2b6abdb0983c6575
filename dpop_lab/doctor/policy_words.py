"""Words that a policy has for its rows: which rows, at which place, they are those of."""

from collections.abc import Iterator
from functools import cache

from dpop_lab.checking import Check
from dpop_lab.doctor.faults import fault_in_words
from dpop_lab.doctor.grammar import squeezed
from dpop_lab.doctor.problem import Problem
from dpop_lab.doctor.wordings import SPECIFIC
from dpop_lab.proof import rules
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.policies import POLICIES
from dpop_lab.server.policy import Policy
from dpop_lab.session.call import API, TOKEN_ENDPOINT, Call

#: A row that failed, and at which place under which policy; of a guess the row alone.
Said = tuple[Check, str, str]
#: What to do about a row of which words alone are known, where its cause may be elsewhere.
USUAL = {one.topic: " ".join(one.do.split()) for one in SPECIFIC if one.do and not one.means}


def _words_of(policy: Policy) -> Iterator[tuple[str, str, Said]]:
    """Description (squeezed) and error code of a policy's refusals, with the row behind each."""
    answers = [
        (answer, row, TOKEN_ENDPOINT if name.startswith("token") else API)
        for name, profile in policy.profiles.items()
        for key, answer in profile.answers.items()
        for row in profile.rows
        if row.name == (key if isinstance(key, str) else key[0])
    ]
    for answer, row, place in (*answers, (policy.no_proof, rules.one_header, TOKEN_ENDPOINT)):
        if answer.description:
            yield squeezed(answer.description), answer.error or "", (row, place, policy.name)


@cache
def _known() -> tuple[tuple[str, str, Said], ...]:
    return tuple(said for policy in POLICIES.values() for said in _words_of(policy))


def blamed(call: Call, policy: Policy = DUENDE) -> tuple[Said, ...]:
    """The rows that have these words in a policy; the demo's own first. Empty for none."""
    if not call.description:
        return ()
    error = call.error.lower()
    words = squeezed(call.description).removeprefix(f"{error}: ")  # the code may stand before them
    known = _known() if policy in POLICIES.values() else (*_known(), *_words_of(policy))
    fits = [(code, said) for text, code, said in known if text == words]
    fits = [one for one in fits if error in ("", one[0])] or fits
    found = [said for _, said in fits if call.place in ("", said[1])] or [said for _, said in fits]
    return tuple(dict.fromkeys(found))


def of_a_policy(call: Call, rows: tuple[Check, ...], said: tuple[Said, ...]) -> Problem:
    """What words mean that are those of a policy."""
    row, names = rows[0], [row.name for row in rows]
    places = dict.fromkeys(place for _, place, _ in said)
    at = f", at the {' or '.join(places)}"
    title = fault_in_words(row.name, "", call.description) + at
    of_demo = call.is_demo and {name for _, _, name in said} == {DUENDE.name}
    todo = USUAL.get(row.name, row.mend)
    if len(rows) > 1:
        title = f"the row {' or '.join(names)} failed{at}"
        todo = " ".join(f"{one.name}: {one.mend}" for one in rows)
        title += ", in the demo server's words" * of_demo
        title += "; of another server such words may stand for any fault of the proof" * (
            not of_demo
        )
        todo += " Of another server check iat and the clock, htm and htu as well." * (not of_demo)
    return Problem(title, todo, row.section, row=row.name, explains=tuple(names))
