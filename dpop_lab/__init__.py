"""dpop_lab: learn and debug OAuth 2.0 DPoP (RFC 9449)."""

from typing import TYPE_CHECKING

from dpop_lab.client.auth import DPoPAuth as DPoPAuth
from dpop_lab.client.recorder import record as record
from dpop_lab.client.session_log import SessionLog as SessionLog
from dpop_lab.client.token import TokenRefused as TokenRefused
from dpop_lab.errors import LabError as LabError
from dpop_lab.jose.key_formats import load_key as load_key
from dpop_lab.jose.keys import generate_key as generate_key
from dpop_lab.jose.keys import public_jwk as public_jwk
from dpop_lab.jose.thumbprint import thumbprint as thumbprint
from dpop_lab.lab.lab import Lab as Lab
from dpop_lab.proof.proof import access_token_hash as access_token_hash
from dpop_lab.proof.proof import make_proof as make_proof
from dpop_lab.proof.proof import read_proof as read_proof
from dpop_lab.proof.rules import check_proof as check_proof
from dpop_lab.server.authorization_server import AuthorizationServer as AuthorizationServer
from dpop_lab.server.duende import DUENDE as DUENDE
from dpop_lab.server.resource_server import ResourceServer as ResourceServer
from dpop_lab.server.rfc9449 import RFC_9449 as RFC_9449

if TYPE_CHECKING:
    from dpop_lab.server.sockets import serve as serve

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """`serve` on demand: it needs tornado, which takes longer to import than all the rest."""
    if name == "serve":
        from dpop_lab.server.sockets import serve

        return serve
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
