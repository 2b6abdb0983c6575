"""The catalogue: everything that can be done to a proof, an access token or the request around."""

from dpop_lab.lab.catalogue.access_tokens import ACCESS_TOKENS
from dpop_lab.lab.catalogue.change import ACTORS, LEFT_OUT, LISTED, PLACES, Catalogue, Change
from dpop_lab.lab.catalogue.claims import CLAIMS
from dpop_lab.lab.catalogue.form import FORM
from dpop_lab.lab.catalogue.requests import HONEST, MOVES, TOKEN_REQUESTS

__all__ = ["ACTORS", "CHANGES", "LEFT_OUT", "LISTED", "PLACES", "Catalogue", "Change"]

CHANGES = Catalogue([HONEST, *FORM, *CLAIMS, *MOVES, *ACCESS_TOKENS, *TOKEN_REQUESTS])
