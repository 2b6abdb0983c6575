"""What no row asks for and is wrong with a call all the same; and what is good to know of it."""

import re
from collections.abc import Iterator
from dataclasses import replace

from dpop_lab.checking import Finding
from dpop_lab.doctor.advice import advise
from dpop_lab.doctor.faults import fault_of
from dpop_lab.doctor.paste.pasted import PROVING, placeholder
from dpop_lab.doctor.problem import METHODS, OF_A_TOKEN, Problem, unsupported_alg
from dpop_lab.doctor.times import SKEW
from dpop_lab.jose.jws import read_jws, salvaged
from dpop_lab.jose.keys import PRIVATE_MEMBERS
from dpop_lab.proof import rules
from dpop_lab.server.access_token import not_expired, scheme
from dpop_lab.session.call import API, TOKEN_ENDPOINT, Call
from dpop_lab.session.decoded import key_of
from dpop_lab.show.values import cut, is_time, offset, shown
from dpop_lab.wire.message import first, lines
from dpop_lab.wire.secrets import leaked
from dpop_lab.wire.syntax import without_query

JWT = re.compile(r"(?:(?:dpop|bearer) +)?ey", re.I)  # begins a value as most are
SCHEME = re.compile("(?:dpop|bearer)[ :]", re.I)


def other_problems(call: Call) -> Iterator[Problem]:
    """Tokens in the wrong place or not bound, keys that leaked, answers that never came."""
    good = call.status is not None and call.status < 300
    if call.exchange.failure:
        yield Problem(
            f"No answer came: {shown(call.exchange.failure, 200)}",
            "Look at the address, the network, its proxy and certificates.",
            guess="open",
        )
    yield from (*_leaked_elsewhere(call), *_misplaced(call, good=good))
    for one in call.challenges or ():
        if one.scheme == "dpop":
            taken = one.parameters.get("algs", "").split()
            yield from unsupported_alg(call, taken, "the challenge")
    yield from _by_itself(call)
    yield from _without_ath(call)
    if (found := query_in_htu(call)) and not good:
        yield found
    if good and call.error and call.challenges:
        yield Problem(
            f"The server answered {call.status}, and its challenge says that it refused",
            "The server must refuse with 401 where it finds fault, and let nobody in: something"
            " else, such as a cookie, may have let the request through.",
            "RFC 9110 §11.6.1",
            explains=(call.error,),
            at_server=True,
        )
    yield from _of_few(call)


def _of_few(call: Call) -> Iterator[Problem]:
    """What only few calls can have wrong: nonces, tokens; what looks for it is loaded then."""
    if call.wants_nonce:
        from dpop_lab.doctor.nonces import asked_oddly
        from dpop_lab.doctor.preflight import hidden_nonce

        yield from (*hidden_nonce(call), *asked_oddly(call))
    if call.refused:
        from dpop_lab.doctor.between import out_of_cache
        from dpop_lab.doctor.fallen import fallen_over

        yield from (*out_of_cache(call), *fallen_over(call))
    if (call.issued or call.token) and not (call.issued and call.refused):
        from dpop_lab.doctor.confirmation import badly_bound, cnf_astray

        yield from (*cnf_astray(call), *badly_bound(call))


def _misplaced(call: Call, *, good: bool) -> Iterator[Problem]:
    """A token that stands elsewhere than once behind one scheme in Authorization."""
    if SCHEME.match(call.token.strip()):
        said = "it stands twice in the Authorization header"
        action = (
            "Send the scheme once, then the token alone, and hash the token alone for ath: an"
            " interceptor, or a retry, put the scheme before a value that had it."
        )
        yield replace(Problem.at(scheme, said, action), explains=OF_A_TOKEN)
    if any(name.lower() in PROVING and not JWT.match(value) for name, value in call.headers):
        from dpop_lab.doctor.printed import printed  # most header lines have a JWT

        yield from printed(call)
    if call.headers and (count := len(lines(call.headers, "Authorization"))) > 1 and not good:
        yield Problem(
            f"There are {count} Authorization headers",
            "Send one Authorization header: which of several counts, each server decides.",
            "RFC 9110 §11.6.2",
        )
    if "#access_token=" in call.url:
        yield Problem(
            "The access token came in the URL (implicit or hybrid flow), where no proof can go with"
            " the request for it: it is bound to no key",
            "Use the code flow (response_type=code), and redeem the code with a proof. A server"
            " that is to bind this client's tokens has to refuse the other flows.",
            "RFC 9449 §5",
            explains=("not_expired", "scheme", "one_header", "unbound"),
            at_server=True,
        )
    in_body = call.place == API and "access_token" in call.form
    if "access_token=" in call.url.partition("?")[2] or in_body:
        yield Problem(
            "The access token stands in the URL or the body",
            "Send it in Authorization: DPoP alone; the other ways are for Bearer tokens.",
            "RFC 9449 §7.1",
        )


def _leaked_elsewhere(call: Call) -> Iterator[Problem]:
    """Private members where the row does not look: in half a proof, in a string, beside jwk."""
    if not call.is_proof:
        return
    proof = salvaged(call.proofs[0])
    header, where = dict(proof.header), "beside a jwk that is an object stands"
    jwk = header.pop("jwk", {})
    if call.proof.problem or not isinstance(jwk, dict):  # else the row looks there
        header["jwk"] = jwk
    names = leaked([header, proof.claims])
    if not names and "proof.jwk" in call.unseen and isinstance(jwk, dict):  # values were taken out
        names, where = tuple(name for name in PRIVATE_MEMBERS if name in jwk), "in the jwk stands"
    if names:
        yield Problem.at(
            rules.no_private_key,
            f"{where} {', '.join(names)[:60]}",
            "This key has leaked: make a new one, put its public members alone into jwk.",
        )


def _without_ath(call: Call) -> Iterator[Problem]:
    """No ath where the code tells that an access token, which is not here, went with the proof."""
    known = call.token or "access_token" in call.hidden or "proof.ath" in call.unseen
    if known or not call.is_proof or call.place != API or call.error != "invalid_token":
        return
    if "ath" not in call.proof.claims:
        action = "Add ath, base64url of the SHA-256 of the access token that goes with the proof."
        one = Problem.at(rules.ath, "ath is missing from the proof", action, found="nothing")
        yield replace(one, explains=("bound_key", "any row", "invalid_token"))


def _by_itself(call: Call) -> Iterator[Problem]:
    """A method in small letters, or a part of a URL, where the request's own is not known."""
    htm, htu = call.proof.claims.get("htm"), call.proof.claims.get("htu")
    if isinstance(htu, str) and not call.url and "://" not in htu[:8] and not placeholder(htu):
        action = "Give htu as the whole URL that is called: scheme, host and path."
        start = htu.partition("/")[0]
        begins = f", it begins with {start}" * (start in ("null", "undefined", "None"))
        yield Problem.at(rules.htu, f"htu is no whole URL{begins}", action)
    if not call.method and isinstance(htm, str) and htm != htm.upper() and htm.upper() in METHODS:
        yield Problem.at(
            rules.htm,
            "htm is in small letters",
            f"Write htm in capital letters, {htm.upper()}: it is compared as it stands.",
            repr(htm.upper()),
            repr(htm),
        )


def query_in_htu(call: Call) -> Problem | None:
    """An htu with a query or a fragment: many servers pass over them, others do not."""
    htu = call.proof.claims.get("htu")
    if not isinstance(htu, str) or not {"?", "#"} & {*htu}:
        return None
    url = without_query(htu)
    sign, part = ("?", "query") if "?" in htu else ("#", "fragment")
    return Problem.at(
        rules.htu,
        f"htu has a {part}",
        f"Send {cut(repr(url)[1:-1], 200)} as htu, without query and fragment.",
        shown(url, 200),
        shown(f"{url}{sign}…", 200),
    )


# ---- what is no fault


def remarks(call: Call, stricter: tuple[Finding, ...]) -> Iterator[str]:
    """What is good to know of a call: clocks, leniencies, what was relied on.

    `stricter` is what fails under RFC_9449 alone.
    """
    if call.hidden:
        names = " and ".join(name.replace("_", " ") for name in call.hidden)
        verb = "is" if len(call.hidden) == 1 else "are"
        yield f"The {names} {verb} redacted, so those rows can't be asked.{_kept(call)}"
    if call.sent_at is not None and call.date is not None and abs(call.sent_at - call.date) > SKEW:
        away = offset(call.sent_at, call.date)
        yield f"By the clock of whoever recorded this it was sent {away} the server's Date."
    for finding in stricter:
        if not _within_a_second_or_two(finding, call):
            row = f"{fault_of(finding, call)} ({finding.check.name}, {finding.source})"
            row += f". {advise(finding, call)}"
            yield f"The demo server lets this pass, RFC_9449 does not: {row}"
    if (found := query_in_htu(call)) and call.status and call.status < 300:
        yield f"{found.title}: this server passes over it, another may not. {found.action}"
    if call.nonce and not (call.refused or call.is_proof):
        given = shown(call.nonce, 60)
        yield f"The answer gives a nonce, {given}: it belongs into the next proof for this server."
    bound = read_jws(call.issued).claims.get("cnf") if call.is_proof else None
    if isinstance(bound, dict) and bound.get("jkt") == key_of(call) != "":
        yield "The new access token is bound to the key of this proof: cnf.jkt is its thumbprint."
    if call.is_demo:
        yield from _ways_of_the_demo(call)
    if (challenges := call.challenges or ()) and re.search(r'" +\w+="', call.challenge):
        yield "The challenge lacks commas between its parameters (RFC 9110 §11.6.1)."
    if len(challenges) > 1:
        schemes = ", ".join(one.scheme for one in challenges)
        yield f"There are {len(challenges)} challenges: {schemes[:200]}."


def _kept(call: Call) -> str:
    """How to have proofs in a session log of ours, whose labels are told from others'."""
    keep = " SessionLog(show_proofs=True) and `dpop-lab call --show-proofs` keep proofs."
    return keep * first(call.headers, "DPoP").startswith("<proof ")


def _within_a_second_or_two(finding: Finding, call: Call) -> bool:
    """Is this a time that lies ahead by no more than two clocks may differ?"""
    start = call.access_token.claims.get("nbf")
    if (finding.check, finding.defect) != (not_expired, "early") or not call.clock:
        return False
    return is_time(start) and start - call.clock[0] <= SKEW


def _ways_of_the_demo(call: Call) -> Iterator[str]:
    """What was relied on of what only the demo server does."""
    relied = "Relied on the demo's ways:"
    if call.bare_challenge:
        yield f"{relied} a bare DPoP challenge answers a token it refuses."
    if call.error == "invalid_client" and call.status == 400:
        yield f"{relied} a failed client gets 400 there, where RFC 6749 has 401."
    if call.error == "invalid_dpop_proof" and call.place in (API, TOKEN_ENDPOINT):
        yield f"{relied} such are its words at the {call.place}, not elsewhere."
