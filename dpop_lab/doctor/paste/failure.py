"""Texts that tell of some failure: about DPoP, in no form that is known; or of something else."""

import re
from itertools import islice

from dpop_lab.doctor.paste.pasted import Pasted, not_understood
from dpop_lab.doctor.paste.reading import Reading
from dpop_lab.doctor.paste.refusals import FAILS, FRAME, has_words
from dpop_lab.doctor.words import meaning
from dpop_lab.session.call import read_call

MOST = 3  # lines: further ones tell of what follows
READ = 200_000  # characters in which a word about tokens is looked for
CONCERNS = re.compile(
    r"dpop|proof.of.possession|\b(?:ht[mu]|ath|jkt|cnf)\b|bearer|authori[sz]ation\b|authenticate"
    r"|(?:access|refresh).?token|grant_type|\binvalid_[a-z]|introspect|/token\b|\b401\b",
    re.I,
)
MESSAGES = ("a raw HTTP", "a HAR")  # kinds that are told of, whatever they are about
NO_NAME = ("status", "own code", "before", "web_page")  # what a failure of anything may be


def failed_somehow(text: str) -> Pasted:
    """What the lines that tell of a failure mean, where the word DPoP is anywhere in the text."""
    fail = (line for line in text.split("\n") if FAILS.search(line) and not FRAME.match(line))
    said = [line.strip() for line in islice(filter(has_words, fail), MOST)]
    one = read_call(Reading(fails=True, said=said).exchange())
    if "dpop" not in text.lower() or meaning(one) is None:
        return _of_others(text)
    return Pasted(kind="a text about a failure", calls=(one,), text=text)


def if_concerned(found: Pasted, text: str) -> Pasted:
    """What was found, unless it is a failure without a name, and no word is about tokens."""
    others = [one.challenges and not (one.proofs or one.token or one.form) for one in found.calls]
    if others and all(others) and "bearer" not in text.lower():
        return _of_others(text)  # a challenge of another scheme, such as Digest
    if found.jwks or found.kind.startswith(MESSAGES) or CONCERNS.search(text, 0, READ):
        return found
    carries = any(one.proofs or one.token or one.form or one.error for one in found.calls)
    meant = [] if carries else [meaning(one) for one in found.calls]
    nameless = all(one is None or one.explains[0] in NO_NAME for one in meant)
    return _of_others(text) if any(meant) and nameless else found


def _of_others(text: str) -> Pasted:
    return not_understood(f"{len(text)} characters in which nothing of DPoP was recognised")
