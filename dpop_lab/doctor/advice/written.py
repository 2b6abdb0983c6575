"""Who writes the advice for a row: a function with the row's name, where what was found matters."""

from collections.abc import Callable

from dpop_lab.checking import Finding
from dpop_lab.session.call import Call

Advice = Callable[[Finding, Call], str]
ADVICE: dict[str, Advice] = {}


def advice(write: Advice) -> Advice:
    """Let this function write what to do when the row of its name fails.

    It may return an empty text: then the row's own `mend` says it, as for rows without a function.
    """
    ADVICE[write.__name__] = write
    return write
