"""What servers' words mean when they refuse: which row they are about, or what else, and why."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from dpop_lab.checking import Check
from dpop_lab.doctor.advice.tokens import form_advice
from dpop_lab.proof import rules
from dpop_lab.server import access_token as at
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.policies import POLICIES
from dpop_lab.server.policy import Policy
from dpop_lab.session.call import API, TOKEN_ENDPOINT, Call

#: A row that failed, and at which place under which policy; of a guess the row alone.
Said = tuple[Check, str, str]
MOST_ROWS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What the words of a refusal mean, as far as they tell by themselves, and what to do."""

    #: the name of a row, an error code, a status, or a few words such as `any row` or `no scheme`
    topic: str
    #: what the words mean, to stand behind them and a colon; without an end mark
    title: str
    action: str
    section: str = ""  #: where the rule is written
    #: the rows that the words may be about, the likeliest first; none where no row asks for it
    rows: tuple[Check, ...] = ()
    exact: bool = True  #: False for a guess, and for words that stand for many faults

    @property
    def row(self) -> Check | None:
        """The row that the words are most likely about."""
        return next(iter(self.rows), None)


def _words_of(policy: Policy) -> Iterator[tuple[str, str, Said]]:
    """Description and error code of every refusal of a policy, with the row behind it."""
    answers = [
        (answer, row, TOKEN_ENDPOINT if name.startswith("token") else API)
        for name, profile in policy.profiles.items()
        for key, answer in profile.answers.items()
        for row in profile.rows
        if row.name == (key if isinstance(key, str) else key[0])
    ]
    for answer, row, place in (*answers, (policy.no_proof, rules.one_header, TOKEN_ENDPOINT)):
        if answer.description:
            yield answer.description, answer.error or "", (row, place, policy.name)


@cache
def _known() -> tuple[tuple[str, str, Said], ...]:
    return tuple(said for policy in POLICIES.values() for said in _words_of(policy))


def _squeezed(text: str) -> str:
    """A text without letter case, escapes, quotes and end mark, as it may have been copied."""
    text = re.sub(r"\\u0027|&#39;|&#x27;|&apos;|[\u2018\u2019`\"']", "", text.lower())
    return " ".join(text.replace("\\", "").split()).strip(" .")


def known_words(text: str) -> tuple[str, str] | None:
    """Error code and description of a server's refusal that stands somewhere in a text.

    Known are the words of both policies and the codes of RFC 6749, 6750 and 9449. None where there
    is nothing of the kind.
    """
    text = text[:20_000]
    squeezed = _squeezed(text)
    spelled = re.findall(r"\b[a-z]+(?:_[a-z]+)+", text.lower())
    code = next((one for one in MEANINGS if one in spelled), "")
    said = [one for one in _known() if _squeezed(one[0]) in squeezed]
    if said:
        best, error, _ = max(said, key=lambda one: (one[1] == code, len(one[0])))
        return code or error, best
    line = next((one.strip() for one in text.splitlines() if one.strip()), "")
    if len(line) <= 300 and (code or (len(text.split()) <= 40 and _guessed(line))):
        return code, re.sub(rf"^\W*{code}(?:\W+|$)", "", line) if code else line
    if code:
        return code, ""
    status = STATUS.search(text)
    return ("", status[0]) if status and len(text) < 2000 else None


STATUS = re.compile(
    r"\b[45]\d\d (?:Bad Request|Unauthorized|Forbidden|Not Found|Client Error|Server Error"
    r"|Internal Server Error|Method Not Allowed)\b",
    re.I,
)


def meaning(call: Call, policy: Policy = DUENDE) -> Meaning | None:
    """What the words of a refusal mean; None where nothing was refused.

    Made of the words, the code, the status and the challenges alone, and of what kind of request
    it was: no row is asked. The demo's own words are read by the policy, others by their wording.
    """
    said = _blamed(call, policy)
    rows, places, policies = (
        (tuple(dict.fromkeys(part)) for part in zip(*said, strict=True)) if said else ((), (), ())
    )
    if not 0 < len(rows) <= MOST_ROWS:  # words that fit many rows tell of none
        return _in_general(call)
    names = " or ".join(row.name for row in rows)
    guess = "" in policies
    title = f"this sounds like the row {names}"
    if not guess:
        title = f"the row {names} failed at the {' or '.join(places)}"
        title += ", in the demo server's words" if policies == (DUENDE.name,) else ""
    [row, *_] = rows
    return Meaning(
        topic=row.name,
        title=title,
        action=row.mend,
        section=row.section,
        rows=rows,
        exact=not guess,
    )


def _blamed(call: Call, policy: Policy) -> tuple[Said, ...]:
    """The rows that these words may come from; the demo's own words first. Empty for none."""
    if not call.description:
        return ()
    words, error = _squeezed(call.description), call.error.lower()
    known = (*_known(), *_words_of(policy))
    fits = [(code, said) for text, code, said in known if _squeezed(text) == words]
    fits = [one for one in fits if error in ("", one[0])] or fits
    found = [said for _, said in fits]
    found = [said for said in found if call.place in ("", said[1])] or found
    return tuple(dict.fromkeys(found)) or _guessed(call.description)


LIKELY = {  # what other servers' words are likely to mean, the most telling first
    rules.unused: r"replay|reused|already (?:been )?used|used before|duplicate.{0,20}jti",
    rules.nonce: r"\bnonce\b",
    rules.ath: r"\bath\b|access token hash",
    rules.htu: r"\bhtu\b|(?:url|uri).{0,20}(?:mismatch|match)",
    rules.htm: r"\bhtm\b|method.{0,20}(?:mismatch|match)",
    rules.bound_key: r"\bjkt\b|\bcnf\b|thumbprint|key binding|bound to|binding",
    rules.fresh: r"\biat\b|issued|too old|expired|not active|future|clock|skew|recent",
    rules.signature: r"signature",
    rules.no_private_key: r"private key",
    rules.jwk: r"\bjwk\b|public key",
    rules.alg: r"\balg\b|algorithm",
    rules.typ: r"\btyp\b",
    rules.jti: r"\bjti\b",
    at.scheme: r"authori[sz]ation scheme|unsupported scheme",
    rules.one_header: r"missing|required|not provided|multiple|no dpop|without",
    rules.well_formed: r"malformed|parse|decode|not a (?:valid )?jwt",
}
HINTS = {row: re.compile(hint) for row, hint in LIKELY.items()}
OURS = re.compile(r"\bby the row (\w+)")  # as `dpop-lab serve --explain` prints it


def _guessed(text: str) -> tuple[Said, ...]:
    """The row that the words of an unknown server are likely to mean; empty for none."""
    found = text[:1000].lower()
    about = re.search(r"dpop|proof|\b(?:htu|htm|ath|jkt|jti|iat|cnf)\b", found)
    rows = [row for row, hint in HINTS.items() if about and hint.search(found)]
    if ours := OURS.search(found):
        rows = [row for row in HINTS if row.name == ours[1]]
    return tuple((row, "", "") for row in rows[:1])


MEANINGS = {  # of the codes in RFC 6749, 6750, 8707 and 9449, the most telling first
    "invalid_dpop_proof": (
        "The server found fault with the proof and does not say which.",
        "Give the proof itself, with method and URL of the request: then every row is asked.",
    ),
    "use_dpop_nonce": (
        "The server wants a nonce of its own in the proof (RFC 9449 §8, §9).",
        "Take the value of the DPoP-Nonce header of this answer, put it into a new proof as nonce, "
        "with a new jti, and send the request again, once.",
    ),
    "invalid_token": (
        "The access token is expired, damaged, revoked, or bound to another key.",
        "Fetch a new access token with a proof by the key that will sign the API's proofs.",
    ),
    "invalid_client": (
        "The server does not know the client, or not by this secret or key.",
        "Check client_id and secret and how they are sent: as form parameters, as HTTP Basic, or "
        "as an assertion, which must be a new one each time, also when the request is sent again.",
    ),
    "invalid_scope": (
        "The client may not have this scope, or the server does not know it.",
        "Ask for a scope that the client is registered for.",
    ),
    "invalid_grant": (
        "The code or refresh token is used up, expired, or was given to another client or key.",
        "Start the flow anew; a refresh token of a public client stays bound to its key.",
    ),
    "invalid_request": (
        "A parameter or header is missing, doubled, or does not fit the others.",
        "Send grant_type and each parameter once, one Authorization and one DPoP header.",
    ),
    "invalid_target": (
        "The server does not know the resource that was named.",
        "Name a resource the client may ask for, or none.",
    ),
    "unauthorized_client": (
        "This client may not use this grant.",
        "Use a client that is registered for the grant.",
    ),
    "unsupported_grant_type": (
        "The server does not know this grant_type, or there is none.",
        "Send grant_type=client_credentials as a form parameter, not as JSON.",
    ),
    "insufficient_scope": (
        "The access token is good, but its scope does not reach this resource.",
        "Ask for a token with the scope that the challenge names.",
    ),
    "server_error": ("The server failed.", "Look into its log; the request may be right."),
    "temporarily_unavailable": ("The server is busy or in repair.", "Send it again later."),
}
STRICTER = (
    "No row that can be asked fails, so the server is stricter or knows something else: compare "
    "its clock, the URL and the method it sees, and the algorithms in its metadata."
)
REDIRECTS = (301, 302, 303, 307, 308)
STATUSES = {
    401: (
        "The server does not take these credentials, and gives no reason.",
        "Look at the WWW-Authenticate header of the answer: it says what it wants.",
    ),
    **dict.fromkeys(REDIRECTS, (
        "The server redirects.", "Call the URL it names, with a proof whose htu is that URL."
    )),
    403: ("The server knows the caller, who may not do this.", "Ask for what the caller may do."),
    404: ("Nothing is at this URL.", "Check the path, to the letter; htu must be the same."),
    405: ("This URL does not take this method.", "Use the method it takes; htm must be the same."),
    407: ("A proxy on the way wants a login.", "Give the proxy its user and password."),
    413: ("The body is too large for the server.", "Send less."),
    415: ("The body is of a type that the server does not take.",
          "Token requests are application/x-www-form-urlencoded."),
    429: ("Too many requests.", "Wait as long as Retry-After says."),
    431: ("The headers are too large for the server.", "Use a smaller key or a smaller token."),
    500: ("The server fell over.", "Look into its log."),
    502: ("A gateway got no good answer from the server behind it.", "Look at the gateway."),
    503: ("The server is busy or in repair.", "Send it again later."),
    504: ("A gateway waited in vain for the server behind it.", "Look at the gateway."),
}  # fmt: skip


def _in_general(call: Call) -> Meaning | None:
    """What a refusal means where its words tell of no row; None where there was none."""
    told = _told(call)
    error = call.error.lower()
    topic = "any row" if error == "invalid_dpop_proof" else error or str(call.status or "")
    return told and Meaning(topic=topic, title=told[0].rstrip("."), action=told[1], exact=False)


def _told(call: Call) -> tuple[str, str] | None:
    if not call.refused and (call.status or 0) < 300:
        return None
    error = call.error.lower()
    if not error and call.status is None and (said := STATUS.search(call.description)):
        return STATUSES.get(int(said[0][:3])) or _any(call)
    if found := MEANINGS.get(error):
        if error == "invalid_dpop_proof" and call.is_proof:
            return found[0], STRICTER
        return found[0], form_advice(call) or found[1]
    if call.scheme.lower() == "dpop" and {one.scheme for one in call.challenges or ()} == {
        "bearer"
    }:
        return (
            "The challenge names Bearer alone: this resource does not take the scheme DPoP.",
            "Call the URL that wants bound tokens, or get a token without a proof for this one.",
        )
    if call.bare_challenge:
        return _bare(call)
    if call.exchange.response_body.lstrip()[:15].lower().startswith(("<!doctype html", "<html")):
        return (
            "A web page came where an API or a token endpoint should answer.",
            "Check the URL, and whether a login page or a proxy stands in between.",
        )
    return STATUSES.get(call.status or 0) or _any(call)


def _bare(call: Call) -> tuple[str, str]:
    said = "The challenge names no error: there was no access token that the server takes."
    if call.is_demo:
        said += " So the demo server answers an expired or damaged token, a Bearer one, and none."
    todo = "Send the access token under the scheme DPoP; if it was, fetch a new one and try again."
    return said, todo


def _any(call: Call) -> tuple[str, str]:
    if call.error:
        return "An error of the server's own.", "Look it up in the server's documentation."
    return f"The server answers {call.status}.", "Look into the server's log."
