"""How far the times in a proof may be from now, as policies have it: a picture."""

from collections.abc import Iterator

from dpop_lab.errors import LabError, expect
from dpop_lab.proof.rules import ANY_TIME, ProofProfile, Window, fresh, nonce
from dpop_lab.server.policies import POLICIES
from dpop_lab.server.policy import Policy
from dpop_lab.show.spans import Span, Spans
from dpop_lab.show.values import is_time, shown


def time_windows(*policies: Policy, age: float | None = None) -> Spans:
    """The times that are taken in `iat` and of a nonce, at both endpoints: a picture in a notebook.

    Of these policies, of all in `POLICIES` if none is given. With the `age` of a proof, in
    seconds by the server's clock (negative: its `iat` is ahead), that is marked, and each window of
    `iat` says whether it is taken. Raises `LabError` for what is no policy and no number.
    """
    for policy in policies:
        expect(policy, Policy, "time_windows", "DUENDE or RFC_9449.")
    if age is not None and not is_time(age):
        raise LabError("No such age", wanted="a number of seconds", found=shown(age))
    spans = [] if age is None else [Span("", "iat of this proof", -age, -age)]
    for policy in policies or POLICIES.values():
        spans += [span for place in ("token", "api") for span in _spans(policy, place, age)]
    at = None if age is None else -age
    return Spans("How far from now the times in a proof may be", tuple(spans), at)


def _spans(policy: Policy, place: str, age: float | None) -> Iterator[Span]:
    """The windows of a place: of `iat`, where it differs with a nonce, and of the nonce.

    Those with a nonce are apart for an API: it demands none unless it is told to.
    """
    plain, nonced = getattr(policy, place), getattr(policy, f"{place}_nonce")
    group = f"{policy.title}, {plain.name}"
    yield _of_iat(group, "iat", _window(plain), age)
    if place == "api":
        group += " that demands nonces (api_nonce=True)"
    if _window(nonced) != _window(plain):
        yield _of_iat(group, "iat, with a nonce", _window(nonced), age)
    if nonce in nonced.rows:
        given_out = nonced.nonce_window
        yield Span(group, "nonce, given out", -given_out.max_age, given_out.max_ahead)


def _window(profile: ProofProfile) -> Window:
    return profile.window if fresh in profile.rows else ANY_TIME


def _of_iat(group: str, name: str, window: Window, age: float | None) -> Span:
    mark = ""
    if age is not None:
        defect = window.defect(-age, 0)
        name, mark = f"{name}: {defect or 'taken'}", "failed" if defect else "passed"
    return Span(group, name, -window.max_age, window.max_ahead, mark)
