"""dpop_lab: learn and debug OAuth 2.0 DPoP (RFC 9449).

Where it is loaded before pytest it shall not say so: PYTEST_DONT_REWRITE.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dpop_lab.client.auth import DPoPAuth
    from dpop_lab.client.recorder import SessionLog, record
    from dpop_lab.client.settings import private_key_jwt
    from dpop_lab.client.token import TokenRefused
    from dpop_lab.doctor.diagnosis import diagnose
    from dpop_lab.errors import KeyUnusable, LabError, SettingsError
    from dpop_lab.exercises.course import exercise, progress
    from dpop_lab.jose.encoding import thumbprint
    from dpop_lab.jose.key_formats import load_key
    from dpop_lab.jose.keys import generate_key, public_jwk
    from dpop_lab.lab.catalogue import CHANGES, LEFT_OUT
    from dpop_lab.lab.compare import compare
    from dpop_lab.lab.lab import Lab
    from dpop_lab.lab.sign_in.browser import BrowserSignIn
    from dpop_lab.lab.sign_in.catalogue import SIGN_IN_CHANGES
    from dpop_lab.proof import access_token_hash, make_proof, read_proof
    from dpop_lab.proof.rules import check_proof
    from dpop_lab.server.authorization_server import AuthorizationServer
    from dpop_lab.server.duende import DUENDE
    from dpop_lab.server.resource_server import ResourceServer
    from dpop_lab.server.rfc9449 import RFC_9449
    from dpop_lab.server.sockets import serve
    from dpop_lab.server.windows import time_windows
    from dpop_lab.session.decoded import decode_jwt
    from dpop_lab.session.story import Story

__version__ = "0.2.0"
__all__ = [
    "CHANGES",
    "DUENDE",
    "LEFT_OUT",
    "RFC_9449",
    "SIGN_IN_CHANGES",
    "AuthorizationServer",
    "BrowserSignIn",
    "DPoPAuth",
    "KeyUnusable",
    "Lab",
    "LabError",
    "ResourceServer",
    "SessionLog",
    "SettingsError",
    "Story",
    "TokenRefused",
    "access_token_hash",
    "check_proof",
    "compare",
    "decode_jwt",
    "diagnose",
    "exercise",
    "generate_key",
    "load_key",
    "make_proof",
    "private_key_jwt",
    "progress",
    "public_jwk",
    "read_proof",
    "record",
    "serve",
    "thumbprint",
    "time_windows",
]
WHEN_USED = {
    "AuthorizationServer": "dpop_lab.server.authorization_server",
    "BrowserSignIn": "dpop_lab.lab.sign_in.browser",
    "CHANGES": "dpop_lab.lab.catalogue",
    "DPoPAuth": "dpop_lab.client.auth",
    "DUENDE": "dpop_lab.server.duende",
    "KeyUnusable": "dpop_lab.errors",
    "LEFT_OUT": "dpop_lab.lab.catalogue",
    "Lab": "dpop_lab.lab.lab",
    "LabError": "dpop_lab.errors",
    "RFC_9449": "dpop_lab.server.rfc9449",
    "ResourceServer": "dpop_lab.server.resource_server",
    "SIGN_IN_CHANGES": "dpop_lab.lab.sign_in.catalogue",
    "SessionLog": "dpop_lab.client.recorder",
    "SettingsError": "dpop_lab.errors",
    "Story": "dpop_lab.session.story",
    "TokenRefused": "dpop_lab.client.token",
    "access_token_hash": "dpop_lab.proof",
    "check_proof": "dpop_lab.proof.rules",
    "compare": "dpop_lab.lab.compare",
    "decode_jwt": "dpop_lab.session.decoded",
    "diagnose": "dpop_lab.doctor.diagnosis",
    "exercise": "dpop_lab.exercises.course",
    "generate_key": "dpop_lab.jose.keys",
    "load_key": "dpop_lab.jose.key_formats",
    "make_proof": "dpop_lab.proof",
    "private_key_jwt": "dpop_lab.client.settings",
    "progress": "dpop_lab.exercises.course",
    "public_jwk": "dpop_lab.jose.keys",
    "read_proof": "dpop_lab.proof",
    "record": "dpop_lab.client.recorder",
    "serve": "dpop_lab.server.sockets",
    "thumbprint": "dpop_lab.jose.encoding",
    "time_windows": "dpop_lab.server.windows",
}


if not TYPE_CHECKING:  # else a wrong name would be taken for one of these

    def __getattr__(name: str) -> object:
        """A public name of which the module is imported when it is first used."""
        if name not in WHEN_USED:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = found = getattr(import_module(WHEN_USED[name]), name)
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
