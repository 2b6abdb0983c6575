"""What counts once or for minutes: a code or a refresh token that is used up, outdated, ended."""

from collections.abc import Iterator

from dpop_lab.doctor.exchanges import (
    Others,
    answered,
    named,
    same_answer,
    same_server,
    servers,
    used_up,
    value_of,
)
from dpop_lab.doctor.problem import Problem
from dpop_lab.doctor.sign_in.authorized import ANEW, ANY, OF_KEYS
from dpop_lab.session.call import Call
from dpop_lab.session.decoded import key_of
from dpop_lab.session.sign_in.grants import Use
from dpop_lab.show.values import duration, shown

SECONDS_OF_A_CODE = 60
WORDS = {"code": "authorization code", "refresh_token": "refresh token"}


def spent(use: Use, others: Others) -> Iterator[Problem]:
    """Why a code or a refresh token is good no more, the surest reason first."""
    late = [*_outdated(use)]
    yield from (one for one in late if not one.guess)
    yield from _again(use, others)
    yield from _ended(use)
    yield from late


def _outdated(use: Use) -> Iterator[Problem]:
    """A code that came too late, by the server's clock: servers take it for minutes."""
    given, call = use.grant.given, use.call
    if given is None or given.date is None or call.date is None or use.grant.name != "code":
        return
    age = call.date - given.date
    if age > SECONDS_OF_A_CODE:
        yield Problem(
            f"{named(given)} gave the code {duration(age)} before: a code is good for ten minutes"
            " at most, for one with many servers",
            f"{ANEW}, and redeem its code at once.",
            "RFC 6749 §4.1.2",
            explains=("spent grant", *ANY),
            guess="" if age > 10 * SECONDS_OF_A_CODE else "likely",
        )


def _again(use: Use, others: Others) -> Iterator[Problem]:
    """A code or a refresh token that another request has used up."""
    call, name = use.call, use.grant.name
    before = [
        one for one in reversed(use.before) if same_server(one, call) and not same_answer(one, call)
    ]
    other = next((one for one in before if not _lasts(one, name)), None)
    other = other or next(iter(others.after(name, value_of(call, name))), None)
    if other is None:
        return
    what = WORDS[name]
    if other.wants_nonce:
        yield from _after_challenge(use, other, what)
        return
    title = f"The same {what} went out in {named(other)} and here: {used_up(other)}"
    yield Problem(title, ONCE[name], "RFC 6749 §5.2", explains=("spent grant", *ANY))


def spent_unseen(call: Call, others: Others) -> Iterator[Problem]:
    """A code or a refresh token that is spent, going by the answers of a log without requests."""
    if call.error.lower() != "invalid_grant" or call.form:
        return
    before = others.before("spent at", *servers(call))
    if other := next((one for one in before if not same_answer(one, call)), None):
        name = "refresh_token" if "refresh" in call.description.lower() else "code"
        yield Problem(
            f"The {WORDS[name]} is spent, most likely: {answered(other)} used it up, or two"
            " requests at once did",
            f"{ONCE[name]} This goes by the answers alone: to be sure, give the requests.",
            "RFC 6749 §5.2",
            explains=("invalid_grant", "spent grant"),
        )


def _ended(use: Use) -> Iterator[Problem]:
    """A refresh token whose login was ended by another request: given back, or brought again."""
    for grant in use.grant.line:
        if one := grant.ended:
            yield Problem(
                f"The refresh token's login was ended by {answered(one)}, which revoked it",
                "Log in again: what is revoked stays so. Forget the tokens when they are revoked.",
                "RFC 7009 §2.1",
                explains=("spent grant", *ANY),
            )
            return
        if (one := grant.again) and one is not use.call:
            yield Problem(
                f"{answered(one)} brought a code or a refresh token that was used before, so the"
                " server ended all that came of this login",
                "Log in again. Then send each refresh token once, one request at a time: a second"
                " use looks like a thief's.",
                "RFC 9700 §4.14.2",
                explains=("spent grant", *ANY),
            )
            return


ONCE = {
    "code": f"{ANEW}. Then send one token request for each code, with the proof, and the nonce if"
    " one is known, from the start: a callback that runs twice, or two requests at once, spend the"
    " code.",
    "refresh_token": "Log in again. Then send the proof, and the nonce if one is known, with the"
    " first refresh request, one at a time, in one tab, and keep the newest refresh token that an"
    " answer brings.",
}


def _lasts(one: Call, name: str) -> bool:
    """Is it a refresh that left its token in force, as no other came of it?"""
    new = one.members.get("refresh_token", value_of(one, name))
    return name == "refresh_token" and bool(one.issued) and new == value_of(one, name)


def _after_challenge(use: Use, first: Call, what: str) -> Iterator[Problem]:
    """What was refused once its first request was asked for a nonce, which spends nothing."""
    call, where = use.call, named(first)
    start = f"The server asked {where} for a nonce, and "
    if key_of(first) != key_of(call) and key_of(first) and key_of(call):
        yield Problem(
            f"{start}the proof of this second try is by another key than that of the first",
            f"Make the key once for each login and sign both tries with it: only jti, iat and nonce"
            f" are new. {ANEW}.",
            "RFC 9449 §8", shown(key_of(first), 80), shown(key_of(call), 80), explains=OF_KEYS,
        )  # fmt: skip
        return
    for name in ("code_verifier", "redirect_uri", "client_id"):
        if first.form.get(name) and call.form.get(name, "") != first.form[name]:
            yield Problem(
                f"{start}this second try has another {name} than the first",
                f"Send the same form again, with a new proof that has the nonce. {ANEW}.",
                "RFC 9449 §8", explains=ANY,
            )  # fmt: skip
            return
    yield Problem(
        f"The same {what} went out in {where} and here: {answered(first)} used it up, as if"
        " to ask for a nonce were to redeem it",
        "The server has to keep it for the request that brings the nonce. Till then: start the"
        " login anew, and send the nonce of an earlier answer with the first request.",
        "RFC 9449 §8", explains=("spent grant", *ANY), at_server=True, guess="likely",
    )  # fmt: skip
