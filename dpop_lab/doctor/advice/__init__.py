"""Findings into actions: what to change so that a failed row passes, row by row."""

from dpop_lab.checking import Finding
from dpop_lab.doctor.advice.claims import ROWS as CLAIMS
from dpop_lab.doctor.advice.header import ROWS as HEADER
from dpop_lab.doctor.advice.names import misnamed
from dpop_lab.doctor.advice.tokens import ROWS as TOKENS
from dpop_lab.session.call import Call

#: What writes the advice for a row, by its name, where what was found matters. It may return an
#: empty text: then the row's own `mend` says it, as for rows that are not here.
ADVICE = {write.__name__: write for write in (*HEADER, *CLAIMS, *TOKENS)}


def advise(finding: Finding, call: Call) -> str:
    """What to change so that this row passes, in a sentence or two; empty for one that passed.

    Made from what was found, without repeating a secret; never raises.
    """
    if finding.mark != "failed":
        return ""
    if astray := misnamed(finding, call):
        return astray
    write = ADVICE.get(finding.check.name)
    return (write and write(finding, call)) or finding.mend
