"""A text in no form that is known: lines about DPoP, and about a failure that has a name."""

from itertools import islice

from dpop_lab.doctor.paste.pasted import Pasted
from dpop_lab.doctor.paste.reading import Reading
from dpop_lab.doctor.paste.refusals import FAILS, FRAME
from dpop_lab.doctor.words import meaning
from dpop_lab.session.call import read_call

MOST = 3  # lines: further ones tell of what follows


def failed_somehow(text: str) -> Pasted | None:
    """What the lines that tell of a failure mean, where the word DPoP is anywhere in the text."""
    fail = (line for line in text.split("\n") if FAILS.search(line) and not FRAME.match(line))
    said = [line.strip() for line in islice(fail, MOST)]
    one = read_call(Reading(fails=True, said=said).exchange())
    if "dpop" not in text.lower() or meaning(one) is None:
        return None
    return Pasted(kind="a text about a failure", calls=(one,), text=text)
