"""A name that has to be one of several, and what is said of one that is not."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from dpop_lab.errors import LabError, expect
from dpop_lab.show.values import shown

MOST, LONGEST = 40, 60  # names that are all said, characters of a name that are compared and shown


def one_of(kind: str, name: str, known: Mapping[str, Any], *, listed: str = "") -> Any:
    """What has this name. Raises `LabError` with all names, or with those alike and where all are.

    `kind` says what is named, `listed` where to read the names when they are too many to be said.
    """
    expect(name, str, f"the name of a {kind}")
    if name in known:
        return known[name]
    advice, wanted = "", f"one of {', '.join(known)}"
    if len(known) > MOST:
        alike = get_close_matches(name[:LONGEST].lower(), known) or list(known)[:1]
        advice, wanted = listed, f"a {kind} such as {' or '.join(alike)}"
    raise LabError(f"No such {kind}", wanted=wanted, found=shown(name, LONGEST), advice=advice)
