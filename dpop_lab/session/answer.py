"""What an answer says in words: its error, description and token, by whatever names they have."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from dpop_lab.jose.encoding import read_json
from dpop_lab.wire.secrets import is_hidden
from dpop_lab.wire.syntax import Challenge

TOKEN_SCHEMES = ("dpop", "bearer")
LONGEST_WORDS = 2000
PHRASES = {one.phrase.lower() for one in HTTPStatus}  # which say no more than the status
WHOLE = ("http://", "https://")  # how a URL begins
CODES = ("error", "error_code", "code")
DESCRIPTIONS = ("error_description", "message", "detail", "reason", "description", "title")
SAYING = {*CODES, *DESCRIPTIONS}
COMPARED = ("expected", "actual", "received", "got", "htu", "iat", "now")  # told beside the words
SPELLINGS = (
    {  # of members of an answer, without `_`, in small letters
        one.replace("_", ""): one
        for one in (*CODES, *DESCRIPTIONS, *COMPARED, "access_token", "token_type", "refresh_token")
    }
    | dict.fromkeys(("properties", "context", "extra", "fields"), "detail")
    | {"proofissuedat": "iat", "issuedat": "iat", "servertime": "now", "currenttime": "now"}
    | dict.fromkeys(
        ("errorsummary", "msg", "err", "fault", "faultstring", "messagetemplate"),
        "message",
    )
)
LINES_OF_A_LOG = ("log", "textPayload")  # of containers; a HAR has a log, too, which is no text
INNER = ("error", "errors", "message", "detail", "body")  # may be objects with their own words
CLAIM = re.compile(r"\b(?:htu|htm|ath|jkt|jti|iat|cnf)\b", re.I)
ABOUT_DPOP = re.compile(rf"dpop|proof|{CLAIM.pattern}", re.I)
OWN_CODE = re.compile("[a-z]+_[a-z_]+")  # of OAuth, or made like those


def spelt(name: object) -> str:
    """The name of a member as RFC 6749 spells it: access_token for AccessToken or accessToken."""
    return _spelling(str(name)[:40]) or str(name)


@lru_cache(1000)
def _spelling(name: str) -> str:
    short = name.replace("_", "").replace(".", "").lower()
    return SPELLINGS.get(short) or SPELLINGS.get(short.removeprefix("error"), "")


def told_in(members: Mapping[Any, Any], levels: int = 3) -> Iterator[tuple[str, Any]]:
    """The members of an answer, those of the errors in it first."""
    pairs = [
        ("message" if name in LINES_OF_A_LOG and isinstance(value, str) else spelt(name), value)
        for name, value in members.items()
    ]
    for name, value in pairs if levels else ():
        first_one = value[0] if isinstance(value, list) and value else value
        if name in INNER and isinstance(first_one, Mapping):
            yield from told_in(first_one, levels - 1)
        if name == "errors" and isinstance(value, Mapping):  # a list for each field (ASP.NET)
            lists = ((of, said[0]) for of, said in value.items() if isinstance(said, list) and said)
            yield from (("detail", f"{of}: {one}") for of, one in lists if isinstance(one, str))
    yield from ((name, value) for name, value in pairs if not isinstance(value, dict | list))


def words_of(members: object) -> tuple[str, str]:
    """The code and the words of a JSON answer, wherever it has them; the most telling words."""
    told = [*told_in(members)] if isinstance(members, Mapping) else []
    codes = [str(value) for name, value in told if name in SAYING and value]
    if not codes:
        return "", ""
    error = next(filter(OWN_CODE.fullmatch, codes), "")
    error = error or next((str(value) for name, value in told if name == "error" and value), "")
    words = [str(value) for one in DESCRIPTIONS for name, value in told if name == one and value]
    words = [one for one in words if one != error] or words
    if " " in error and "\n" not in error:  # these are words, too, and no code
        words, error = ([*words, error] if error.lower() in PHRASES else [error, *words]), ""
    if all(name != "error_description" for name, _ in told):
        words = ["; ".join(dict.fromkeys(words[:3]))]
    text = next(filter(ABOUT_DPOP.search, words), words[0] if words else "")
    return error, _with_compared(text, told)


def compared(told: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The members of an answer by which it says what was compared with what: two URLs, times."""
    told = [*told]
    urls = {name: value for name, value in told if str(value)[:8].startswith(WHOLE)}
    beside = {name: value for name, value in told if name in COMPARED}
    return beside | (urls if len(urls) == 2 else {})


def _with_compared(text: str, told: Iterable[tuple[str, Any]]) -> str:
    """Words about DPoP, and behind them what was compared, unless it stands in them.

    Words that name a claim are not about another one beside them.
    """
    if not ABOUT_DPOP.search(text):
        return text
    named = {one.lower() for one in CLAIM.findall(text)}
    passed = {"htu", "iat"} - named if named else ()
    beside = [
        f"{name} {value}"
        for name, value in compared(told).items()
        if str(value) not in text and name not in passed
    ]
    return text + f" ({', '.join(beside)})" * bool(beside)


def answer_of(
    members: object, challenges: tuple[Challenge, ...] = (), status: int | None = None
) -> dict[str, Any]:
    """The fields of a call that a JSON answer tells, an error or a token, or else a challenge.

    Words alone, without an error, count for a refusal where the status says so.
    """
    known = members.items() if isinstance(members, dict) else ()
    told = {spelt(name): value for name, value in known}
    error, words = words_of(told)
    if not (error or (status or 0) >= 400):
        words = str(told.get("error_description") or "")
    said = {"error": error, "error_description": words}
    for challenge in challenges:
        found = challenge.parameters
        tells = challenge.scheme in TOKEN_SCHEMES and {*said} & {*found}
        if tells and not OWN_CODE.fullmatch(said["error"]):
            said = {name: found.get(name, said[name]) for name in said}
            words = _with_compared(said["error_description"], told.items())
            said["error_description"] = words
    named = told.get("token")  # by servers of their own ways
    issued = told.get("access_token") or (named if str(named).startswith("ey") else "")
    return {
        "error": said["error"][:200],
        "description": said["error_description"][:LONGEST_WORDS],
        "issued": issued if isinstance(issued, str) and not is_hidden(issued) else "",
        "token_type": str(told.get("token_type", ""))[:40],
    }


def json_value(text: str) -> Any:
    """The JSON value a text is, None when it is none. Never raises."""
    return read_json(text) if text.lstrip()[:1] in ("{", "[") else None


def members_in(text: str) -> dict[str, Any]:
    """The members of the JSON object a text is; none of anything else. Never raises."""
    found = json_value(text)
    return found if isinstance(found, dict) else {}
