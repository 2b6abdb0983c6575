"""Two answers to one change, and how far they are apart."""

from dataclasses import dataclass

from dpop_lab.lab.catalogue import CHANGES
from dpop_lab.lab.catalogue.change import PLACES
from dpop_lab.session.call import Call
from dpop_lab.session.reading import json_value
from dpop_lab.show.values import cut, printable

ONE_ACCEPTS = "accepted by one alone"
DIFFERENT = "answered differently"
WORDED = "worded differently"
SAME = "answered alike"
KINDS = (ONE_ACCEPTS, DIFFERENT, WORDED, SAME)


@dataclass(frozen=True, slots=True, repr=False)
class Compared:
    """What two servers answered, `a` and `b`, to one change at one place.

    `kind` is one of `KINDS`. Accepted is a status below 300, at a token endpoint with an access
    token. Two answers differ by status, error or token_type, and in their words by description or
    challenge.
    """

    change: str
    to: str
    a: Call
    b: Call

    @property
    def kind(self) -> str:
        """How far the answers are apart."""
        a, b = outcome(self.a, self.to), outcome(self.b, self.to)
        if a[0] != b[0]:
            return ONE_ACCEPTS
        if a != b:
            return DIFFERENT
        return SAME if _wording(self.a) == _wording(self.b) else WORDED

    @property
    def does(self) -> str:
        """What the change does, as a sentence."""
        return CHANGES[self.change].does

    @property
    def words(self) -> tuple[str, str]:
        """Both answers, in a line each."""
        return told(self.a, self.to), told(self.b, self.to)

    def __repr__(self) -> str:
        a, b = self.words
        return printable(f"{self.change} at {self.to}: {self.kind}: {cut(a, 160)} / {cut(b, 160)}")


@dataclass(frozen=True, slots=True)
class NotAsked:
    """A change that was not tried at a place, and why it can't be: `of` A or of B."""

    change: str
    to: str
    of: str
    why: str


def outcome(answered: Call, to: str) -> tuple[bool, int, str]:
    """Was it accepted, with which status, and with which error or token_type (small letters)?"""
    status = answered.status or 0
    fine = 200 <= status < 300
    if not fine or not PLACES[to].client_id:
        return fine, status, answered.error
    token_type = _granted(answered)
    return bool(token_type), status, token_type or "no access token"


def told(answered: Call, to: str) -> str:
    """An answer in a line: status, error (or a token_type that is not DPoP), description."""
    said = f"“{answered.description}”" if answered.description else ""
    return " ".join(filter(None, (short(answered, to), said)))


def short(answered: Call, to: str) -> str:
    """An answer in a line without its description."""
    fine, status, what = outcome(answered, to)
    if fine:
        return str(status) if what in ("", "dpop") else f"{status} {what}"
    bare = "a bare challenge" if answered.challenge and not what else ""
    return " ".join(filter(None, (str(status), what, bare)))


def _granted(answered: Call) -> str:
    """The type of the token in an answer, empty when there is no token."""
    members = json_value(answered.exchange.response_body)
    if not isinstance(members, dict) or not isinstance(members.get("access_token"), str):
        return ""
    return str(members.get("token_type") or "token of no type").lower()


def _wording(answered: Call) -> object:
    challenges = answered.challenges or ()
    return answered.description, [(one.scheme, dict(one.parameters)) for one in challenges]
