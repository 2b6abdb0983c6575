"""dpop_lab: learn and debug OAuth 2.0 DPoP (RFC 9449)."""

from typing import TYPE_CHECKING

from dpop_lab.client.auth import DPoPAuth
from dpop_lab.client.recorder import record
from dpop_lab.client.session_log import SessionLog
from dpop_lab.client.token import TokenRefused
from dpop_lab.doctor.diagnosis import diagnose
from dpop_lab.errors import KeyUnusable, LabError, SettingsError
from dpop_lab.jose.key_formats import load_key
from dpop_lab.jose.keys import generate_key, public_jwk
from dpop_lab.jose.thumbprint import thumbprint
from dpop_lab.lab.lab import Lab
from dpop_lab.lab.tamper import CHANGES
from dpop_lab.proof.proof import access_token_hash, make_proof, read_proof
from dpop_lab.proof.rules import check_proof
from dpop_lab.server.authorization_server import AuthorizationServer
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.resource_server import ResourceServer
from dpop_lab.server.rfc9449 import RFC_9449

if TYPE_CHECKING:
    from dpop_lab.server.sockets import serve

__version__ = "0.1.0"
__all__ = [
    "CHANGES",
    "DUENDE",
    "RFC_9449",
    "AuthorizationServer",
    "DPoPAuth",
    "KeyUnusable",
    "Lab",
    "LabError",
    "ResourceServer",
    "SessionLog",
    "SettingsError",
    "TokenRefused",
    "access_token_hash",
    "check_proof",
    "diagnose",
    "generate_key",
    "load_key",
    "make_proof",
    "public_jwk",
    "read_proof",
    "record",
    "serve",
    "thumbprint",
]


def __getattr__(name: str) -> object:
    """`serve` on demand: it needs tornado, which takes longer to import than all the rest."""
    if name == "serve":
        from dpop_lab.server.sockets import serve

        return serve
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
