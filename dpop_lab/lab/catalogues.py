"""Both catalogues: changes of requests, and attacks on sign-ins, which are loaded when used."""

from typing import Any

from dpop_lab.errors import expect, one_of
from dpop_lab.lab.catalogue import CHANGES, GROUPS, LISTED
from dpop_lab.lab.catalogue.change import Listing

SIGN_IN = "sign-in"  #: all attacks


def catalogue_of(group: str = "") -> Listing[Any]:
    """`SIGN_IN_CHANGES`, or `CHANGES` for one of its groups or none."""
    if group in ("", *GROUPS):
        return CHANGES
    from dpop_lab.lab.sign_in.catalogue import SIGN_IN_CHANGES  # when used

    return SIGN_IN_CHANGES


def any_change(name: str) -> Any:
    """The change of this name, or else the attack on a sign-in. Raises `LabError` for neither."""
    expect(name, str, "the name of a change")
    if name in CHANGES:
        return CHANGES[name]
    return one_of("change", name, {**CHANGES, **catalogue_of(SIGN_IN)}, listed=LISTED)
