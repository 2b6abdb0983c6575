"""RFC 9449 section 4.3 as a table: a row a rule, with its question and the attack it stops."""

import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from dpop_lab.checking import Check, Profile, Report, Verdict, check, equal, verdict
from dpop_lab.errors import KeyUnusable, expect
from dpop_lab.jose.encoding import thumbprint
from dpop_lab.jose.jws import Jws, verify
from dpop_lab.jose.keys import ALGORITHMS
from dpop_lab.proof import STRICT, TYP, Reading, access_token_hash, read_proof
from dpop_lab.show.values import Words, shown


@dataclass(frozen=True, slots=True)
class Window:
    """How old and how far ahead a time may be, in whole seconds, both inclusive."""

    max_age: float
    max_ahead: float

    def defect(self, time: float, now: int) -> str | None:
        """`stale`, `early`, or None when the time is inside."""
        if now - time > self.max_age:
            return "stale"
        return "early" if time - now > self.max_ahead else None

    def around(self, now: int) -> Words:
        """The accepted times in words."""
        if math.isinf(self.max_age):
            return Words("any time")
        return Words(f"{now - self.max_age:.0f} to {now + self.max_ahead:.0f}")


ANY_TIME = Window(math.inf, math.inf)
#: Registered signature algorithms (IANA), of which each server takes those it likes.
ASYMMETRIC = (
    *ALGORITHMS,
    "ES256K", "ESP256", "ESP384", "ESP512", "Ed448", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87",
)  # fmt: skip
#: Deviations that a reader may pass over (RFC 4648 §3.5, RFC 7515 §4, RFC 8259 §8.1).
TOLERABLE = frozenset({"spare_bits", "duplicate_member", "byte_order_mark"})


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ProofProfile(Profile):
    """The rules for proofs at one place, with its windows and its replay memory."""

    reading: Reading = STRICT
    window: Window  #: for `iat`
    nonce_window: Window
    #: seconds from the use of a proof to the end of its being remembered
    remember: int

    def with_nonce(self, **others: Any) -> Self:
        """The rules where a nonce is demanded, too: the last row is asked after it."""
        rows = (*self.rows[:-1], nonce, self.rows[-1])
        return replace(self, name=f"{self.name} with nonce", rows=rows, **others)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a verifier knows besides the proof: the request, the access token, its own memory.

    `headers` are all DPoP header lines of the request, `url` the URL it came to, `cnf` the
    access token's confirmation claim, `nonce_time` tells when a nonce was issued (None: not ours),
    `used` whether a proof with this replay key was accepted before. `client_id` is the client's as
    far as it is known: some servers remember proofs by client.
    """

    profile: ProofProfile
    headers: tuple[str, ...] = field(repr=False)
    method: str
    url: str
    now: int
    access_token: str | None = field(default=None, repr=False)
    cnf: object = None
    nonce_time: Callable[[str], int | None] = lambda nonce: None
    used: Callable[[Hashable], bool] = lambda key: False
    client_id: str = ""

    @property
    def reading(self) -> Reading:
        """How this server takes values."""
        return self.profile.reading


def _jwk(proof: Jws, context: Context) -> Mapping[str, Any]:
    jwk = proof.header.get("jwk")
    return context.reading.members(jwk) if isinstance(jwk, dict) else {}


def jkt(proof: Jws, context: Context) -> str | None:
    """The thumbprint of the key in a proof's header, None where it has no such key."""
    try:
        return thumbprint(_jwk(proof, context))
    except KeyUnusable:
        return None


def replay_key(proof: Jws, context: Context) -> Hashable:
    """What a proof is remembered by at this place."""
    return context.reading.replay_key(
        proof.claims, jkt=jkt(proof, context), url=context.url, client_id=context.client_id
    )


def _text(proof: Jws, context: Context, name: str) -> object:
    """A claim as this server takes it for a text, or as it is."""
    given = proof.claims.get(name)
    text = context.reading.text(given)
    return given if text is None else text


@check(
    "RFC 9449 §4.3 (1)",
    stops="a request with no proof, or with a second one smuggled in beside it",
    mend="Send exactly one DPoP header with a proof for this request.",
)
def one_header(proof: Jws, context: Context) -> Verdict:
    """Is there exactly one DPoP header?"""
    wanted, lines = Words("one DPoP header"), context.headers
    if len(lines) > 1:
        return wanted, Words(f"{len(lines)} DPoP headers"), "several"
    if lines == ("",):
        return wanted, Words("an empty one"), "empty"
    return verdict(wanted, Words("one") if lines else None, good=True)


@check(
    "RFC 9449 §4.3 (2)",
    stops="text that two parsers read in two ways",
    mend="Send the proof as a JWT in compact form: header.claims.signature.",
    free=("too_long",),
)
def well_formed(proof: Jws, context: Context) -> Verdict:
    """Is it a JWT: three dot parts, a header and claims that are JSON objects?"""
    fault = ("malformed", proof.problem) if proof.problem else context.reading.fault(proof)
    defect, found = fault or (None, "three parts, two objects")
    return Words("a JWT in compact form"), Words(found), defect


@check(
    "RFC 7515 §2, §3, §4.1.11",
    stops="one proof in many spellings, read in one way here and in another elsewhere",
    mend="Write the proof in strict base64url and JSON, each claim of its own type.",
    needs=("well_formed",),
    free=("tolerable",),
)
def strict_form(proof: Jws, context: Context) -> Verdict:
    """Is it in the one strict spelling, with every value of the JSON type the RFC gives it?"""
    wanted, kinds = Words("no deviation"), {kind for _, kind in proof.deviations}
    if not kinds:
        return wanted, wanted, None
    seen = Words(", ".join(map(str, proof.deviations)))
    return wanted, seen, "loose" if kinds - TOLERABLE else "tolerable"


@check(
    "RFC 9449 §4.3 (4)",
    stops="another kind of JWT, signed with the same key, passed off as a proof",
    mend=f'Set typ in the header to "{TYP}".',
    needs=("well_formed",),
    free=("spelling",),
)
def typ(proof: Jws, context: Context) -> Verdict:
    """Does the header call it a DPoP proof?"""
    found = proof.header.get("typ")
    same = context.reading.same("typ", TYP, found)
    # one media type all the same (RFC 7515 §4.1.9)
    alike = isinstance(found, str) and found.lower().removeprefix("application/") == TYP
    return verdict(TYP, found, good=same, defect="spelling" if alike else "wrong")


@check(
    "RFC 9449 §4.3 (5)",
    stops="a proof that anyone can make: alg none, or HMAC with a key that stands in the header",
    mend="Sign with an asymmetric algorithm that the server takes, such as ES256.",
    needs=("well_formed",),
    free=("unsupported",),
)
def alg(proof: Jws, context: Context) -> Verdict:
    """Is alg an asymmetric signature algorithm this server takes?"""
    found, accepted = proof.header.get("alg"), context.reading.algorithms
    defect = "unsupported" if found in ASYMMETRIC else "wrong"
    return verdict(Words(" ".join(accepted)), found, good=found in accepted, defect=defect)


@check(
    "RFC 9449 §4.2, §4.3 (6)",
    stops="a proof whose key can't be named or can't make such a signature",
    mend="Put the public key, and nothing else, into the header as jwk, with an alg that fits.",
    needs=("well_formed",),
)
def jwk(proof: Jws, context: Context) -> Verdict:
    """Is the jwk in the header a key that this server can use?"""
    wanted, found = Words("a public JWK that fits alg"), proof.header.get("jwk")
    if not isinstance(found, dict):
        return verdict(wanted, None if found is None else Words(type(found).__name__), good=False)
    members = _jwk(proof, context)
    fault = context.reading.key_fault(members, proof.header.get("alg"))
    kind = " ".join(str(members[name]) for name in ("kty", "crv") if members.get(name))
    return wanted, Words(fault) if fault else kind, "unusable" if fault else None


@check(
    "RFC 9449 §4.3 (7)",
    stops="a key that everyone who sees the proof can sign with",
    mend="The private key was in the header: make a new key, send its public members.",
    needs=("well_formed",),
)
def no_private_key(proof: Jws, context: Context) -> Verdict:
    """Is the jwk free of private members?"""
    wanted, members = Words("public members only"), context.reading.private(_jwk(proof, context))
    found = Words("private members: " + ", ".join(members)) if members else wanted
    return wanted, found, "private" if members else None


@check(
    "RFC 9449 §4.3 (6)",
    stops="a proof made, or changed, by someone without the private key",
    mend="Sign header.claims as sent, with the private key of the jwk in the header: another key"
    " signed, or the text was changed afterwards.",
    needs=("well_formed", "alg", "jwk"),
)
def signature(proof: Jws, context: Context) -> Verdict:
    """Does the signature verify with the key in the header?"""
    octets, alg = context.reading.signature(proof), str(proof.header.get("alg"))
    good = verify(proof.signing_input, octets, alg=alg, jwk=_jwk(proof, context))
    found = Words("it verifies" if good else "it does not verify")
    return verdict(Words("a signature by the key in the header"), found, good=good)


@check(
    "RFC 9449 §4.2, §4.3 (3)",
    stops="proofs that can't be told apart, so that none can be remembered as used",
    mend="Give each proof a jti of its own: a new random string, such as a UUID.",
    needs=("well_formed",),
)
def jti(proof: Jws, context: Context) -> Verdict:
    """Is there a jti claim to know this proof by?"""
    found = context.reading.jti(proof.claims)
    if found is None:
        wanted = Words("a string that is not empty")
        return verdict(wanted, proof.claims.get("jti"), good=False)
    return Words("a string"), found, None


@check(
    "RFC 9449 §4.3 (8)",
    stops="a proof for GET carried to DELETE",
    mend="Set htm to the method of the request, in capital letters, in a proof for this request.",
    needs=("well_formed",),
)
def htm(proof: Jws, context: Context) -> Verdict:
    """Is the htm claim the method of this request?"""
    found = _text(proof, context, "htm")
    return verdict(context.method, found, good=context.reading.same("htm", context.method, found))


@check(
    "RFC 9449 §4.3 (9)",
    stops="a proof for one URL carried to another",
    mend="Set htu to the URL of the request as the server knows it, without query and fragment.",
    needs=("well_formed",),
)
def htu(proof: Jws, context: Context) -> Verdict:
    """Is the htu claim the URL of this request, query and fragment aside?"""
    found = _text(proof, context, "htu")
    good = isinstance(found, str) and context.reading.same_url(context.url, found)
    return verdict(context.url, found, good=good)


@check(
    "RFC 9449 §4.3 (12), §7",
    stops="a proof for one access token shown beside another",
    mend="Set ath to base64url of the SHA-256 of the access token that is sent.",
    needs=("well_formed",),
)
def ath(proof: Jws, context: Context) -> Verdict:
    """Is the ath claim the hash of the access token that came with it?"""
    token = context.access_token
    wanted = access_token_hash(token) if token else Words("the hash of the access token")
    return equal(wanted=wanted, found=_text(proof, context, "ath"))


@check(
    "RFC 9449 §4.3 (12), §6",
    stops="a stolen access token used with the thief's own key",
    mend="Sign with the key of the proof that the access token was requested with.",
    needs=("well_formed", "jwk"),
    free=("unchecked",),
    mends={
        "missing": "See that cnf.jkt comes to the API: in the token, if it was asked for with a"
        " proof, or in what an introspection or a gateway tells of it.",
    },
)
def bound_key(proof: Jws, context: Context) -> Verdict:
    """Is the access token bound to the key of this proof?"""
    cnf, found = context.cnf, jkt(proof, context)
    if cnf is None:
        return Words("an access token with cnf.jkt"), None, "missing"
    wanted = cnf.get("jkt") if isinstance(cnf, dict) else None
    if not isinstance(cnf, dict) or found is None or wanted != found:
        return wanted, found, "wrong"
    others = context.reading.unchecked(cnf)
    if others:
        more = Words(f"jkt and {', '.join(shown(name, 40) for name in others[:3])} in cnf")
        return Words("a binding to this key alone"), more, "unchecked"
    return wanted, found, None


@check(
    "RFC 9449 §4.3 (11), §11.1",
    stops="a proof caught today and sent next week",
    mend="Set iat to the time of sending in seconds, by a clock that is right.",
    needs=("well_formed",),
    free=("stale", "early"),
)
def fresh(proof: Jws, context: Context) -> Verdict:
    """Was the proof made just now, going by its iat claim?"""
    given, window = proof.claims.get("iat"), context.profile.window
    time = context.reading.number(given)
    if time is None:
        return verdict(Words("seconds since 1970, a number"), given, good=False)
    return window.around(context.now), given, window.defect(time, context.now)


@check(
    "RFC 9449 §4.3 (10), §8, §9",
    stops="proofs made ahead of time by someone who had the key for a moment",
    mend="Put the newest nonce of this server into a new proof and send it again, once.",
    needs=("well_formed",),
    free=("stale", "early"),
)
def nonce(proof: Jws, context: Context) -> Verdict:
    """Does it carry a nonce that this server gave lately?"""
    wanted, found = Words("a nonce this server gave out lately"), _text(proof, context, "nonce")
    if not isinstance(found, str) or not found.strip():
        return wanted, found, "missing"
    issued = context.nonce_time(found)
    if issued is None:
        return wanted, found, "wrong"
    return wanted, found, context.profile.nonce_window.defect(issued, context.now)


@check(
    "RFC 9449 §11.1",
    stops="the same proof sent a second time",
    mend="Make a new proof for each request, with a new jti and iat, also when one is sent again.",
    needs=("well_formed", "jwk", "jti"),
    grade="should",
)
def unused(proof: Jws, context: Context) -> Verdict:
    """Is this the first time the proof is seen?"""
    seen, found = context.used(replay_key(proof, context)), context.reading.jti(proof.claims)
    return Words("a jti not used before"), found, "replayed" if seen else None


ROWS: tuple[Check, ...] = (
    one_header, well_formed, strict_form, typ, alg, jwk, no_private_key, signature,
    jti, htm, htu, ath, bound_key, fresh, nonce, unused,
)  # fmt: skip
ESSENTIAL = frozenset({"well_formed", "alg", "jwk"})


def check_proof(
    proof: str,
    *,
    profile: ProofProfile,
    method: str,
    url: str,
    now: int,
    access_token: str | None = None,
    cnf: object = None,
) -> Report:
    """Hold one proof to every row of a profile, such as `DUENDE.api` or `RFC_9449.token`.

    `method` and `url` are those of the request it came with, `now` is in seconds since 1970; at an
    API `access_token` and its `cnf` claim are needed too. Nothing is remembered: `unused` always
    passes, and no nonce is known. Returns a `Report` whatever the proof is: `accepted` says whether
    every row passed, `failure` which one failed first (RFC 9449 section 4.3).
    """
    expect(profile, ProofProfile, "profile", "A policy has four: DUENDE.token, DUENDE.api, …")
    expect(url, str, "url")
    expect(now, int, "now", "Whole seconds since 1970.")
    context = Context(
        profile=profile,
        headers=(proof,),
        method=method,
        url=url,
        now=now,
        access_token=access_token,
        cnf=cnf,
    )
    return profile.examine(read_proof(proof), context)
