"""How each policy signs people in: what differs between the demo and a strict reader, as data."""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dpop_lab.checking import Answer, Failure, Profile
from dpop_lab.jose.encoding import base64url_encode, sha256
from dpop_lab.server.common import Form
from dpop_lab.server.duende_site import Client
from dpop_lab.server.policy import Policy
from dpop_lab.server.sign_in.grants import Grant
from dpop_lab.server.sign_in.people import ONE_TIME, WITHOUT_PKCE
from dpop_lab.server.sign_in.rows import KeyContext, code_key, refresh_key
from dpop_lab.server.sign_in.state import Store
from dpop_lab.wire.message import Headers

LOOPBACK = tuple(
    f"http://{host}{path}"
    for host in ("127.0.0.1", "[::1]", "localhost")
    for path in ("", "/", "/callback", "/cb", "/signin-oidc")
)
REGISTERED = ("https://notused", "https://client.example/callback", *LOOPBACK)
SAFE = frozenset({"access_denied", "login_required", "interaction_required", "consent_required"})
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636 section 4.1
OTHER_CODE_KEY = Answer(400, "invalid_grant", "The code is bound to another key.")
OTHER_REFRESH_KEY = Answer(400, "invalid_grant", "The refresh token is bound to another key.")
NO_CODE_PROOF = Answer(
    400, "invalid_grant", "The code is bound to a key, and this request proves none."
)
NO_REFRESH_PROOF = Answer(
    400, "invalid_grant", "The refresh token is bound to a key, and this request proves none."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """How a strict server signs people in; the demo has other values."""

    code_lifetime: int = 60  #: seconds (RFC 6749 section 4.1.2: ten minutes at most)
    pushed_lifetime: int = 60  #: of a request_uri, in seconds (RFC 9126 section 2.2)
    challenge_methods: tuple[str, ...] = ("S256",)
    without_pkce: frozenset[str] = frozenset()  #: clients that need none
    #: exact but for the port of a loopback address (RFC 9700 section 2.1); None: whatever comes
    redirect_uris: tuple[str, ...] | None = REGISTERED
    #: errors that go to the redirect URI, all others to a page; None: all that can
    redirected: frozenset[str] | None = None
    twice: bool = False  #: may a parameter stand twice?
    no_redirect_uri: str = "invalid_grant"  #: the error for a code redeemed without one
    one_time: frozenset[str] | None = None  #: clients with new refresh tokens; None: the public
    ends_family: bool = True  #: does a second use end the whole grant (RFC 9700 section 4.14.2)?
    narrows: bool = True  #: may a refresh ask for fewer scopes (RFC 6749 section 6)?
    all_bound: bool = False  #: must a confidential client go on as it began, with a proof or not?
    exact_jkt: bool = True  #: must dpop_jkt have the form of a thumbprint?
    #: what the PAR endpoint says in other words than the token endpoint
    par_answers: Mapping[Failure, Answer] = field(default_factory=dict)
    bound_userinfo: bool = True  #: does a bound token come under DPoP with a proof, there, too?
    tells_type: bool = True  #: is token_type in an introspection answer (RFC 7662 section 2.2)?
    revokes_access: bool = True  #: can an access token be revoked, as far as this server is asked?
    known_hints: bool = False  #: must a token_type_hint be known (RFC 7009 section 2.2.1)?
    realm: str = ""  #: of the challenge at userinfo
    nothing: str = "invalid_request"  #: the error of an introspection request without a token
    #: what an API hears that does not authenticate: error and description
    api_refused: tuple[str, ...] = ("invalid_client",)
    api_challenge: Headers = (("WWW-Authenticate", 'Basic realm="introspection"'),)
    code_answers: Mapping[Failure, Answer] = field(
        default_factory=lambda: {
            "code_key": OTHER_CODE_KEY,
            ("code_key", "missing"): NO_CODE_PROOF,
        }
    )
    refresh_answers: Mapping[Failure, Answer] = field(
        default_factory=lambda: {
            "refresh_key": OTHER_REFRESH_KEY,
            ("refresh_key", "missing"): NO_REFRESH_PROOF,
        }
    )

    def rotates(self, client: Client) -> bool:
        """Is a refresh token of this client good once (RFC 9700 section 2.2.2)?"""
        named = self.one_time
        return client.is_public if named is None else client.client_id in named

    def key_context(self, profile: Profile, grant: Grant, client: Client) -> KeyContext:
        """What the row may know of a refresh token's key."""
        bound = grant.proven if client.is_public else None
        proven = bool(grant.proven) if self.all_bound else None
        return KeyContext(profile=profile, bound=bound or None, proven=proven)

    def counted(self, pushed: Form, beside: Form) -> Form:
        """The request that counts, of a pushed one and what is beside it (RFC 9101 section 6.3)."""
        return pushed

    def is_theirs(self, grant: Grant, client: Client) -> bool:
        """Was the code or the refresh token given to this client (RFC 6749 sections 5.2, 6)?"""
        return grant.client_id == client.client_id

    def first_use(self, store: Store[Grant], handle: str) -> bool:
        """Is this the first use of a code, or of a refresh token that is good once? Atomic."""
        return store.spend(handle)

    def verified(self, grant: Grant, verifier: str) -> bool:
        """Does the code verifier fit the challenge of the authorization request (RFC 7636 4.6)?

        One that comes without a challenge is a fault: somebody may have taken the challenge away
        (RFC 9700 section 4.8.2).
        """
        if grant.challenge is None:
            return not verifier
        if not VERIFIER.fullmatch(verifier):
            return False
        hashed = base64url_encode(sha256(verifier.encode()))
        made = hashed if grant.challenge_method == "S256" else verifier
        return hmac.compare_digest(made, grant.challenge)


STRICT = Ways()
DEMO = Ways(
    code_lifetime=300,
    pushed_lifetime=600,
    without_pkce=WITHOUT_PKCE,
    redirect_uris=None,
    redirected=SAFE,
    twice=True,
    no_redirect_uri="unauthorized_client",
    one_time=ONE_TIME,
    ends_family=False,
    narrows=False,
    all_bound=True,
    exact_jkt=False,
    par_answers={
        "one_header": Answer(400, "invalid_request"),
        ("well_formed", "too_long"): Answer(
            400, "invalid_dpop_proof", "DPoP proof token is too long"
        ),
        ("nonce", "missing"): Answer(400, "use_dpop_nonce", ""),
        "nonce": Answer(400, "use_dpop_nonce", ""),
    },
    bound_userinfo=False,
    tells_type=False,
    revokes_access=False,
    known_hints=True,
    realm="IdentityServer",
    nothing="missing_token",
    api_refused=(),
    api_challenge=(),
    code_answers={
        ("code_key", "missing"): Answer(
            400,
            "invalid_dpop_proof",
            "DPoP must be used on the token endpoint when a DPoP key thumbprint is used on the"
            " authorize endpoint.",
        ),
        "code_key": Answer(
            400,
            "invalid_dpop_proof",
            "The DPoP proof token used on the token endpoint does not match the original used on"
            " the authorize endpoint.",
        ),
    },
    refresh_answers={
        ("refresh_key", "missing"): Answer(
            400,
            "invalid_request",
            "Proof of possession was used to obtain the initial refresh token and is required for"
            " subsequent token requests.",
        ),
        ("refresh_key", "unbound"): Answer(
            400,
            "invalid_request",
            "Proof of possession can't be used on subsequent token requests unless used when"
            " requesting the initial refresh token.",
        ),
        "refresh_key": Answer(
            400,
            "invalid_dpop_proof",
            "The DPoP proof token in the refresh token request does not match the original used.",
        ),
    },
)
WAYS = {"DUENDE": DEMO}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class WithWays(Policy):
    """A policy that signs people in by ways of its own, whatever its name."""

    ways: Ways


def ways_of(policy: Policy) -> Ways:
    """How this policy signs people in."""
    return policy.ways if isinstance(policy, WithWays) else WAYS.get(policy.name, STRICT)


def with_sign_in(policy: Policy) -> Policy:
    """A policy with the places of signing in: what it strikes out of its own is out there, too.

    One that has them is given back as it is.
    """
    if "code" in policy.profiles:
        return policy
    ways, profiles = ways_of(policy), dict[str, Any](policy.profiles)
    for nonce in ("", "_nonce"):
        par, api = profiles[f"token{nonce}"], profiles[f"api{nonce}"]
        name, answers = par.name.replace("token", "PAR"), {**par.answers, **ways.par_answers}
        profiles[f"par{nonce}"] = replace(par, name=name, answers=answers)
        profiles[f"userinfo{nonce}"] = replace(api, name=api.name.replace("API", "userinfo"))
    for name in ("bound", "bearer"):
        rows = tuple(row for row in profiles[name].rows if row.name != "audience")
        title = f"access token at userinfo under {profiles[name].scheme}"
        profiles[f"userinfo_{name}"] = replace(profiles[name], name=title, rows=rows)
    told = tuple(one for one in profiles["bound"].rows if one.name not in ("scheme", "audience"))
    profiles["introspection"] = replace(profiles["bound"], name="introspection", rows=told)
    profiles["code"] = Profile(name="key of the code", rows=(code_key,), answers=ways.code_answers)
    profiles["refresh"] = Profile(
        name="key of the refresh token", rows=(refresh_key,), answers=ways.refresh_answers
    )
    return replace(policy, profiles=profiles)
