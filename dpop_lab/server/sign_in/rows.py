"""The rows about what a person's grant is bound to: a code's key and a refresh token's key."""

from collections.abc import Mapping
from dataclasses import dataclass

from dpop_lab.checking import Check, Profile, Verdict, check, verdict
from dpop_lab.show.values import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyContext:
    """What a server knows of the key behind a grant, beside the thumbprint that came along.

    `bound` is the thumbprint it is bound to, None for a grant that is bound to none. `proven` says
    whether the grant was got with a proof by any key, so that another has to come now.
    """

    profile: Profile
    bound: str | None = None
    proven: bool | None = None  #: None: with or without one is the same


@check(
    "RFC 9449 §10",
    stops="a stolen authorization code redeemed with the thief's own key",
    mend="Redeem the code with a proof by the key of dpop_jkt, or of the proof sent with PAR.",
)
def code_key(jkt: str | None, context: KeyContext) -> Verdict:
    """Does the key it is redeemed with fit the one the authorization code is bound to?"""
    if context.bound is None:
        return Words("any key, or none"), jkt or Words("no proof"), None
    return verdict(context.bound, jkt, good=jkt == context.bound)


@check(
    "RFC 9449 §5",
    stops="a stolen refresh token of a public client, used with the thief's own key",
    mend="Sign the proof with the key that the refresh token was first got with.",
    free=("unbound",),
)
def refresh_key(jkt: str | None, context: KeyContext) -> Verdict:
    """Does the key it is used with fit the one the refresh token is bound to?"""
    if context.bound is not None:
        return verdict(context.bound, jkt, good=jkt == context.bound)
    if context.proven and jkt is None:
        return Words("a proof, as the first time"), None, "missing"
    if context.proven is False and jkt is not None:
        return Words("no proof, as the first time"), jkt, "unbound"
    return Words("any key" if context.proven else "any key, or none"), jkt or Words("none"), None


ROWS: Mapping[str, Check] = {"code": code_key, "refresh": refresh_key}  # by place
