"""What a person allowed a client, and what is kept of it behind a code or a refresh token."""

from dataclasses import dataclass, field

from dpop_lab.server.sign_in.people import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A person who has signed in, in one browser."""

    person: Person
    session_id: str
    since: int  #: when, in seconds since 1970


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A client may act for a person: what a code stands for, and later a refresh token."""

    client_id: str
    session: Session
    scope: tuple[str, ...]  #: in the order asked for
    resources: tuple[str, ...] = ()
    redirect_uri: str = ""
    nonce: str | None = None  #: of OpenID Connect, for the ID token; not one of DPoP
    challenge: str | None = field(default=None, repr=False)
    challenge_method: str = "plain"
    jkt: str | None = None  #: the key that the code is bound to (RFC 9449 section 10)
    made_at: int = 0  #: when the code was given out, in seconds since 1970
    family: str = ""  #: names all that comes of this grant, to end it at once
    #: the key of the proof that the first token was got with; empty: without one; None: not yet
    proven: str | None = None
