"""Each failed row turned into an action, made from what was found."""

from dpop_lab.checking import Finding
from dpop_lab.doctor.advice import access_token, claims, form, keys  # noqa: F401  they register
from dpop_lab.doctor.advice.written import ADVICE
from dpop_lab.session.call import Call


def advise(finding: Finding, call: Call) -> str:
    """What to change so that this row passes, in a sentence or two; empty for one that passed.

    Made from what was found, without repeating a secret; never raises.
    """
    if finding.mark != "failed":
        return ""
    write = ADVICE.get(finding.check.name)
    return (write and write(finding, call)) or finding.check.mend
