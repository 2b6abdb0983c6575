"""WWW-Authenticate, read as RFC 9110 section 11.6.1 writes it, and what it asks of a client."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

WORD = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
QUOTED = r'"(?:[^"\\]|\\.)*"'
PARAMETER = re.compile(rf"({WORD})[ \t]*=[ \t]*({WORD}|{QUOTED})(?=[ \t,]|\Z)", re.DOTALL)
SCHEME = re.compile(rf"({WORD})(?:[ \t]+|(?=,|\Z))")
TOKEN68 = re.compile(r"([A-Za-z0-9\-._~+/]+=*)[ \t]*(?=,|\Z)")
GAP = re.compile(r"[ \t,]*")
JUNK = re.compile(r"[^,]*")
NONCE_WANTED = "use_dpop_nonce"


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge: scheme and parameter names in small letters, values unquoted."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    token68: str = ""

    @property
    def error(self) -> str | None:
        """The error code in small letters, None when the challenge names none."""
        error = self.parameters.get("error")
        return None if error is None else error.lower()


def read_challenges(value: str) -> tuple[Challenge, ...]:
    """The challenges of a WWW-Authenticate value, in order; never raises.

    Several header lines may have been joined with commas. What fits no rule of the grammar is
    passed over up to the next comma.
    """
    found: list[tuple[str, dict[str, str], str]] = []
    position = _after(GAP, value, 0)
    while position < len(value):
        if found and (parameter := PARAMETER.match(value, position)):
            found[-1][1].setdefault(parameter[1].lower(), _unquoted(parameter[2]))
            position = parameter.end()
        elif scheme := SCHEME.match(value, position):
            token68 = TOKEN68.match(value, scheme.end()) if scheme[0] != scheme[1] else None
            found.append((scheme[1].lower(), {}, token68[1] if token68 else ""))
            position = (token68 or scheme).end()
        else:
            position = _after(JUNK, value, position)
        position = _after(GAP, value, position)
    return tuple(Challenge(*parts) for parts in found)


def _after(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL) if text[0] == '"' else text


def wants_nonce(challenges: tuple[Challenge, ...]) -> bool:
    """Does the server ask for a nonce of its own (RFC 9449 sections 8 and 9)?

    The code has no other meaning under another scheme, and some servers have it under `Bearer`.
    """
    return any(one.error == NONCE_WANTED for one in challenges)


def refuses_token(challenges: tuple[Challenge, ...], *, proved: bool) -> bool:
    """Does a 401 with these challenges call the token bad?

    It does by `invalid_token`, and, to a request that carried a proof, by DPoP challenges that name
    no error at all: so the demo server answers an expired token.
    """
    errors = {one.error for one in challenges if one.scheme == "dpop"}
    return (proved and errors == {None}) or any(one.error == "invalid_token" for one in challenges)
