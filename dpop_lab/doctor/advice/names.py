"""Members of a proof under another name, or in the other part of it."""

from collections.abc import Iterable
from difflib import SequenceMatcher

from dpop_lab.checking import Finding
from dpop_lab.session.call import Call
from dpop_lab.show.values import shown
from dpop_lab.wire.secrets import squeezed

HEADER = ("typ", "alg", "jwk")
#: The member that a row asks for, where it has another name than the row.
MEMBERS = {"fresh": "iat", "jti": "jti", "htm": "htm", "htu": "htu", "ath": "ath", "nonce": "nonce"}
MEMBERS |= {name: name for name in HEADER}
#: Names that other members are known by, without letter case and separators.
OTHER_NAMES = {
    "jti": ("id", "uuid", "jwtid", "tokenid", "identifier"),
    "htm": ("method", "httpmethod", "verb"),
    "htu": ("url", "uri", "httpurl", "httpuri", "endpoint", "target"),
    "iat": ("issuedat", "time", "timestamp", "created", "createdat"),
    "ath": ("athash", "accesstokenhash", "tokenhash", "hash", "hth"),
    "nonce": ("dpopnonce", "servernonce"),
    "jwk": ("key", "publickey", "publickeyjwk", "jwks"),
    "typ": ("type", "tokentype"),
    "alg": ("algorithm",),
}
#: Members with a meaning of their own: a misspelling of none.
REGISTERED = {*OTHER_NAMES, "iss", "sub", "aud", "exp", "nbf", "kid", "azp", "act", "sid", "crit"}
LIKE = 0.65  # of 1: `hmt` and `htm`, `nonse` and `nonce`


def misnamed(finding: Finding, call: Call) -> str:
    """Where the member stands that a row found missing, and what to do about that; or empty."""
    name = MEMBERS.get(finding.check.name, "")
    if not name or finding.found is not None:
        return ""
    parts = {"claims": call.proof.claims, "header": call.proof.header}
    right, wrong = ("header", "claims") if name in HEADER else ("claims", "header")
    if name in parts[right]:
        return ""
    if near := _nearest(name, parts[right]):
        return f"{shown(near, 40)} in the {right} is misspelt for {name}: rename it to {name}."
    if name in parts[wrong]:
        return (
            f"{name} stands in the {wrong} of the JWT, where no server looks for it: it belongs"
            f" into the {right}. Move it there and sign the proof anew."
        )
    return ""


def _nearest(name: str, given: Iterable[str]) -> str:
    """The name that is likely meant for this one, empty where there is none."""
    ranked = [(_likeness(name, one), one) for one in list(given)[:50] if one not in REGISTERED]
    best, found = max(ranked, default=(0.0, ""))
    return found if best > LIKE else ""


def _likeness(name: str, given: str) -> float:
    plain = squeezed(given[:40])
    if plain == name or plain in OTHER_NAMES[name] or sorted(plain) == sorted(name):
        return 1.0
    return SequenceMatcher(None, name, plain).ratio()
