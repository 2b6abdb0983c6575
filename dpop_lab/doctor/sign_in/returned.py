"""What a browser comes back with: is it the answer to this request, of this server, in time?"""

from collections.abc import Iterator
from dataclasses import replace

from dpop_lab.doctor.confirmation import no_thumbprint
from dpop_lab.doctor.exchanges import Others, named
from dpop_lab.doctor.problem import Problem
from dpop_lab.session.call import Call, host_of
from dpop_lab.session.sign_in.grants import SignIns
from dpop_lab.session.sign_in.places import in_url, returned
from dpop_lab.show.values import duration, is_time, shown
from dpop_lab.wire.labels import known


def returning(call: Call, sign_ins: SignIns, others: Others) -> Iterator[Problem]:
    """What is wrong with an authorization response, or with a `request_uri` that was refused.

    `sign_ins` knows what came before this call.
    """
    told = returned(call.exchange)
    if "code" in told and not call.form.get("grant_type"):
        yield from _state(told, sign_ins)
        yield from _issuer(told, sign_ins, others)
    if call.refused and (jkt := in_url(call.url).get("dpop_jkt")):
        for one in no_thumbprint(jkt, "dpop_jkt"):
            yield replace(one, explains=("code key", "invalid_request"))
    if call.error == "invalid_request_uri":
        yield from _request_uri(call, sign_ins)


def _state(told: dict[str, str], sign_ins: SignIns) -> Iterator[Problem]:
    """A state that no request had (RFC 6749 section 10.12)."""
    state = told.get("state", "")
    if not sign_ins.by_state or state in sign_ins.by_state or (state and not known(state)):
        return
    if state:
        where = ", ".join(dict.fromkeys(named(one.call) for one in sign_ins.asked[-3:]))
        title = f"The state of this answer is not that of the request ({where})"
        action = (
            "Do not redeem the code: an answer belongs to the login whose state it has. Keep the"
            " state with verifier and key, for each login apart and where the callback finds it;"
            " then start the login anew. Where nobody started one, it is an attack."
        )
    else:
        title = "The answer has no state, and the request had one"
        action = "The server has to send it back. Till then the code must not be redeemed."
    section = "RFC 6749 §4.1.2, §10.12"
    yield Problem(title, action, section, explains=("state",), at_server=not state)


def _issuer(told: dict[str, str], sign_ins: SignIns, others: Others) -> Iterator[Problem]:
    """An answer by another server than the one that was asked (RFC 9207 section 2.4)."""
    asked, issuer = sign_ins.asked_with(told), told.get("iss", "")
    host = host_of(asked.call.url) if asked else ""
    named_there = any(
        host_of(str(one.members.get("authorization_endpoint", ""))) == host
        for one in others.before("issuer", issuer)
    )
    if asked and host and issuer and host_of(issuer) != host and not named_there:
        yield Problem(
            f"iss names {shown(issuer, 120)}, and the authorization request in {named(asked.call)}"
            f" went to {host}: the answer is another server's (mix-up)",
            f"Compare iss with the issuer in the metadata of {host}. Unless that names it, do not"
            " redeem the code, at neither server.",
            "RFC 9207 §2.4", host, shown(issuer, 120), explains=("issuer",), guess="open",
        )  # fmt: skip


def _request_uri(call: Call, sign_ins: SignIns) -> Iterator[Problem]:
    """A request_uri that was used before, or came too late (RFC 9126 section 2.2)."""
    pushed, said = sign_ins.grants.get(("request_uri", in_url(call.url).get("request_uri", ""))), ""
    given = pushed.given if pushed else None
    for one in pushed.used[:1] if pushed and pushed.used[0] is not call else ():
        said = f"The same request_uri went out in {named(one)} and here: it is good once"
    if given and given.date is not None and call.date is not None:
        age, lasts = call.date - given.date, given.members.get("expires_in")
        if is_time(lasts) and age > lasts:
            said = f"{named(given)} gave the request_uri {duration(age)} before, which was good"
            said += f" for {duration(lasts)}"
    if said:
        yield Problem(
            said,
            "Push the request anew for each login, a reload or the button back too, and send the"
            " browser there at once.",
            "RFC 9126 §4",
            explains=("invalid_request_uri", "invalid_request"),
        )
