"""The catalogue: everything that can be done to a proof, an access token or the request around."""

from dataclasses import replace

from dpop_lab.lab.catalogue.access_tokens import ACCESS_TOKEN
from dpop_lab.lab.catalogue.change import GROUPS, LEFT_OUT, Catalogue, Change
from dpop_lab.lab.catalogue.claims import CLAIMS
from dpop_lab.lab.catalogue.form import HEADER, KEY, SPELLING
from dpop_lab.lab.catalogue.places import ACTORS, PLACES
from dpop_lab.lab.catalogue.requests import HONEST, MOVED, TOKEN_REQUEST

__all__ = ["ACTORS", "CHANGES", "GROUPS", "LEFT_OUT", "LISTED", "PLACES", "Catalogue", "Change"]

LISTED = "All by their names: CHANGES (dpop-lab compare --list, too) and SIGN_IN_CHANGES."
CHANGES = Catalogue(
    replace(change, group=group)
    for group, changes in zip(
        GROUPS,
        ([HONEST], SPELLING, HEADER, CLAIMS, KEY, MOVED, TOKEN_REQUEST, ACCESS_TOKEN),
        strict=True,
    )
    for change in changes
)
