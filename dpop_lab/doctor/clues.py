"""What beside a server's words makes them plain: URLs, times or keys compared, a clock, a retry."""

import re
from collections.abc import Callable
from dataclasses import replace

from dpop_lab.doctor.advice.passed import NO_ATH, no_token_told
from dpop_lab.doctor.between import changed_between
from dpop_lab.doctor.problem import Problem, algs_told
from dpop_lab.doctor.times import times_told
from dpop_lab.doctor.url_mends import AT_SERVER, ISSUER
from dpop_lab.doctor.urls import WHOLE, is_inside, oddities, urls_told
from dpop_lab.proof import rules
from dpop_lab.session.asked import speaks_of_dpop
from dpop_lab.session.call import Call, host_of
from dpop_lab.show.values import shown

#: By a proxy, as words tell.
CHANGED = ("unused", "nonce", "fresh", "one_header", "htm", "htu", "ath")
FAKED = re.compile(  # by a test: the clock
    r"use_?fake_?timers|set_?system_?time|freeze_?time|freezegun|timecop|travel_?to"
    r"|time_?machine|mock(?:ed)?[_ ]?(?:clock|date|time)",
    re.I,
)
EXP = re.compile(r"\bexp\b.{0,30}(?:fail|expired|past)", re.I)
OVER = "the proof is over by its own exp, which no proof needs, so it was kept and used again"
KEY = re.compile(r"(?:jkt|thumbprint)\w{0,20}\W{1,6}([\w-]{43})(?![\w-])", re.I)
AGAIN = re.compile(
    r"\bretry\b|\bretry(?:ing|template|interceptor|policy|handler)|\bretried"
    r"|\battempts?\b\W{0,4}[1-9]|re-?sen[dt](?:ing)?\b",
    re.I,
)
PROOF_AGAIN = """The log tells of a retry: an HTTP library sends the headers as they were, with the
    same proof. Make a new proof, with a new jti, inside what is retried, for each attempt."""


OTHER_NONCE = re.compile(  # a nonce came, and another was wanted
    r"nonce\b.{0,40}\b(?:mismatch|match|differ\w*|stale|outdated|expired|unknown|invalid|wrong"
    r"|not (?:the|one|valid|known|recogni[sz]ed))"
    r"|\b(?:invalid|stale|outdated|unknown|expired|wrong) (?:dpop )?nonce",
    re.I,
)
NEWEST = (
    "Take the newest nonce, that of the last DPoP-Nonce header, into a new proof, and"
    " send the request again, once. Keep the newest nonce of every answer, for each server."
)
HASH = re.compile(r"(?<![\w+/-])[\w+/-]{43}=?(?![\w+/=-])", re.ASCII)
BASE64URL = str.maketrans("+/", "-_")
IN_BASE64URL = (
    "The server has to write its own hash in base64url without padding before it compares (RFC 9449"
    " §4.2): mend it there. The client is right."
)


def _times(call: Call) -> tuple[str, str]:
    """How far iat is from the server's time; or that a test has faked the client's."""
    if faked := FAKED.search(f"{call.around}\n{call.description}"):
        return (
            f"a test has faked the clock that iat comes from ({shown(faked[0], 40)})",
            "Let the proof be made by the real clock, or fake the server's clock as well.",
        )
    if EXP.search(call.description) and (not call.is_proof or "exp" in call.proof.claims):
        return OVER, "Make a new proof for each request, right before it is sent, without an exp."
    return times_told(call)


def _keys(call: Call) -> tuple[str, str]:
    """The two keys that are named beside the words."""
    keys = dict.fromkeys(KEY.findall(f"{call.description}\n{call.around}"))
    return (f"two keys are named: {' and '.join(map(shown, keys))}" if len(keys) == 2 else ""), ""


def _retry(call: Call) -> tuple[str, str]:
    """The retry that a log tells of, which repeats a proof."""
    if not AGAIN.search(f"{call.around}\n{call.description}"):
        return "", ""
    return "most likely it is the same proof again, sent by a retry", " ".join(PROOF_AGAIN.split())


def _audience(call: Call) -> tuple[str, str]:
    """For whom the token is, by its aud, and who refused it."""
    aud, host = call.access_token.claims.get("aud"), host_of(call.url)
    if aud is None:
        return "", ""
    other = bool(host) and host not in str(aud).lower()
    return f"the token's aud is {shown(aud, 120)}" + f", not this API ({host})" * other, ""


def _hashes(call: Call) -> tuple[str, str]:
    """That a server compares one hash in two spellings; or that it wants one it can't have."""
    told = dict.fromkeys(HASH.findall(call.description))
    alike = {one.translate(BASE64URL).rstrip("=") for one in told}
    if len(told) > 1 and len(alike) == 1:
        return "both are one hash, in base64url and in standard base64 with padding", IN_BASE64URL
    return no_token_told(call)


def _nonce(call: Call) -> tuple[str, str]:
    """That a nonce came, and not the one that the server knows."""
    told = OTHER_NONCE.search(call.description)
    return ("the proof's nonce is outdated, or another server's", NEWEST) if told else ("", "")


def _scheme(call: Call) -> tuple[str, str]:
    """That the scheme is spelt otherwise than this server may know it."""
    if call.scheme == "DPoP" or call.scheme.lower() != "dpop":
        return "", ""
    told = f"the scheme is spelt {call.scheme}, and it may compare letter by letter"
    return told, "Send it as DPoP. The server should take it in any letter case (RFC 9110 §11.1)."


#: How what is told begins that says all of it.
TOLD = ("htu ", "iat ", "the proof's ", "a test ", OVER)


def _issuer(call: Call) -> tuple[str, str]:
    """Which URL the server takes for its own issuer's, where that is one inside a network."""
    for match in WHOLE.finditer(call.description[:4000]):
        if is_inside(match[0]):
            told = f"the server has {shown(match[0].rstrip('.:'), 120)}, a URL inside its network"
            return told, ISSUER
    return "", ""


#: By what the words are about.
CLUES: dict[str, Callable[[Call], tuple[str, str]]] = {
    "htu": urls_told,
    "nonce": _nonce,
    "no scheme": _scheme,
    "ath": _hashes,
    "fresh": _times,
    "issuer": _issuer,
    "alg": algs_told,
    "audience": _audience,
    **dict.fromkeys(("unused", "jti", "any row"), _retry),
    **dict.fromkeys(("bound_key", "code key", "refresh key"), _keys),
}


def _clue(topic: str, call: Call) -> tuple[str, str]:
    """What tells more of this topic, in words, and what to do about it; empty texts for nothing."""
    return CLUES[topic](call) if topic in CLUES else ("", "")


def with_clues(found: Problem, call: Call) -> Problem:
    """With what two URLs or times in the words tell, and what a Bearer challenge is about DPoP."""
    title, action, at_server = found.title, found.action, found.at_server
    told, todo = _clue(found.explains[0], call)
    if told:
        title = told if told.startswith(TOLD) else f"{title}; {told}"
        action = todo or action
        at_server = at_server or todo.startswith((*AT_SERVER, NO_ATH, IN_BASE64URL))
    if found.row == rules.htu.name and (odd := oddities(str(call.proof.claims.get("htu", "")))):
        action = f"In this htu, {'; '.join(odd)}. {action}"
    elif not at_server and found.row in CHANGED and (change := changed_between(call, found.row)):
        title = f"{title.removesuffix(f'; {told}')}; {change.told}"
        action, at_server = change.action, True
    challenges = [one for one in call.challenges or () if one.error] or call.challenges or ()
    bearer = {one.scheme for one in challenges} == {"bearer"}
    if bearer and "no scheme" not in found.explains and speaks_of_dpop(call):
        title += "; the challenge says Bearer, but its words are about DPoP: the server knows DPoP"
        title += " and answers under the wrong scheme"
    return replace(found, title=title, action=action, at_server=at_server)
