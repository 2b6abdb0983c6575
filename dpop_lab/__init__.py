"""dpop_lab: learn and debug OAuth 2.0 DPoP (RFC 9449)."""

__version__ = "0.1.0"
