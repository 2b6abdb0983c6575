"""What an attack on a sign-in is: who does it, where, what is there to stop it, and how it goes."""

from collections.abc import Callable
from dataclasses import dataclass, field

from dpop_lab.lab.catalogue.places import NOBODY
from dpop_lab.lab.sign_in.stage import Stage

CODE, REFRESH = "token endpoint, with a code", "token endpoint, with a refresh token"
AUTHORIZE, PAR, USERINFO = "authorization endpoint", "PAR endpoint", "userinfo"
REDIRECT = "redirect URI"
PLACES = {  # where the last request of an attack goes, and the answer that it is about
    AUTHORIZE: "The authorization request",
    PAR: "The pushed authorization request",
    REDIRECT: "The answer at the client's redirect URI",
    CODE: "The code at the token endpoint",
    REFRESH: "The refresh token",
    USERINFO: "The access token at userinfo",
}
PROFILES = {  # that hold what the answer there depends on
    PAR: ("par_nonce",),
    REDIRECT: ("token", "code"),
    CODE: ("token", "code"),
    REFRESH: ("token", "refresh"),
    USERINFO: ("userinfo_bearer", "userinfo_bound", "userinfo"),
}
CLIENT = "the client"
CODE_THIEF = "a thief of the code"
PAGE_THIEF = "a thief in the page"
TOKEN_THIEF = "a thief of the token"  # noqa: S105  an actor
SECRET_THIEF = "a thief with the secret"  # noqa: S105  another
KEY_THIEF = "a thief with the key"
LURER = "whoever sends links"
MIDDLE = "a man in the middle"
OTHER_CLIENT = "another client"
OTHER_ISSUER = "another issuer"
ACTORS = {
    CLIENT: "the one that the person uses, by mistake or on purpose",
    CODE_THIEF: "who sees the redirect with the code, in a log or a history, and nothing else",
    PAGE_THIEF: "whose script runs in the client's page: it sees code and code_verifier, no key",
    TOKEN_THIEF: "who has a stolen token and a key of their own",
    SECRET_THIEF: "who has a stolen code or refresh token, and the client's secret",
    KEY_THIEF: "who has a stolen token and can sign with the client's key",
    LURER: "who gets people to open an authorization request of their own making",
    MIDDLE: "who can change what goes through the browser",
    OTHER_CLIENT: "a registered one that is up to no good",
    OTHER_ISSUER: "a server that the client trusts, too, and should not",
    NOBODY: "who would need the authorization server's own key",
}
NONE = ""
GUARDS = {  # what is no row and can stop an attack, where it is written, and what it finds
    NONE: ("RFC 9700", ""),
    "PKCE": (
        "RFC 7636 §4.6",
        "no code_challenge, one by plain, or a code_verifier that does not fit",
    ),
    "client authentication": ("RFC 6749 §3.2.1", "the client's secret is missing or wrong"),
    "whose it is": ("RFC 6749 §4.1.3", "it was given to another client, or to nobody"),
    "one use": (
        "RFC 9700 §4.14.2",
        "it was used before, or all that came of the sign-in has ended",
    ),
    "redirect URI": ("RFC 9700 §2.1", "it is not the registered one, or not that of before"),
    "proof demanded": ("RFC 9449 §5.2", "this client must send a proof, and there is none"),
    "one key": ("RFC 9449 §10.1", "dpop_jkt and the proof beside it name two keys"),
    "dpop_jkt": ("RFC 9449 §10", "it is no thumbprint of a key"),
    "request_uri": ("RFC 9126 §2.1", "it has no place in a request that is pushed"),
    "state": ("RFC 6749 §10.12", "the answer is not to what this client asked"),
    "nonce of the ID token": ("OpenID Connect Core §3.1.3.7", "the sign-in is not this client's"),
    "iss": ("RFC 9207 §2.4", "the answer is another server's than the one that was asked"),
    "revocation": ("RFC 7009 §2", "its owner has ended it"),
}
ROWS = {"code_key": "RFC 9449 §10", "refresh_key": "RFC 9449 §5"}  # and where they are written


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Attack:
    """Something done to a sign-in, or an honest step of one; how it ends is not here.

    `play` carries it out on a stage, and its last exchange is the answer to the attacker.
    """

    name: str
    title: str  #: in plain words
    guard: str  #: what is there to stop it: a row, or another of `GUARDS`
    then: str  #: which of `GUARDS` stops it where that row is struck out or comes too late
    section: str  #: where that is written
    by: str  #: one of `ACTORS`
    at: str  #: one of `PLACES`
    worth: str  #: why it is worth having, where a server takes it
    differs: bool  #: does one of the two servers take it, and the other refuse it?
    play: Callable[[Stage], object] = field(compare=False)

    @property
    def other_guard(self) -> str:
        """What stops it where no row does, one of `GUARDS`; empty for nothing."""
        name = self.then or self.guard
        return name if name in GUARDS else ""

    @property
    def group(self) -> str:
        """The place, by which the catalogue is sorted."""
        return self.at

    @property
    def places(self) -> tuple[str, ...]:
        """The place alone."""
        return (self.at,)

    def __repr__(self) -> str:
        """Its name and title, who could do it, what is there to stop it."""
        guard = f"{self.guard}, " * bool(self.guard)
        return f"{self.name}: {self.title}\n  by {self.by} ({guard}{self.section})"


def attack(
    guard: str,
    at: str,
    *,
    by: str,
    then: str = "",
    worth: str = "",
    section: str = "",
    differs: bool = False,
) -> Callable[[Callable[[Stage], object]], Attack]:
    """Make an attack of a function: its name is the attack's, its docstring the title."""

    def made(play: Callable[[Stage], object]) -> Attack:
        title = " ".join((play.__doc__ or "").split()).removesuffix(".")
        return Attack(
            name=play.__name__,
            title=title[:1].lower() + title[1:],
            guard=guard,
            then=then,
            section=section or ROWS.get(guard) or GUARDS[guard][0],
            by=by,
            at=at,
            worth=worth,
            differs=differs,
            play=play,
        )

    return made
