"""Random values of which only words say what they are: the code X was not found."""

import re
from collections.abc import Callable, Mapping

from dpop_lab.wire.secrets import squeezed

# in hexadecimal, or of small and capital letters and digits: no word, and no name of an error
HANDLE = re.compile(
    r"(?:[0-9A-Fa-f]{20,}+(?:-\d{1,3})?+(?![\w.~+/=-])"
    r"|(?=[A-Za-z_.~+/=-]{0,40}+\d)(?=[a-z\d_.~+/=-]{0,40}+[A-Z])(?=[A-Z\d_.~+/=-]{0,40}+[a-z])"
    r"[\w.~+/=-]{20,}+)"
)
MEMBERS = {"code": "code", "authcode": "code", "authorizationcode": "code", "token": "token"}
MEMBER = re.compile(rf'"{HANDLE.pattern}"')
WORDS = (
    r"(?:\W{1,4}(?i:already|but|expected|expired|for|found|got|invalid|is|mismatch|not|received"
    r"|redeemed|unknown|used|value|was|with)\b)*+\W{1,4}"
)
SAID = re.compile(
    r"\b(?P<name>(?i:(?:auth(?:orization)?[ +_-]?)?code|(?:(?:refresh|access|id)[ +_-]?)?token"
    rf"|state|verifier|request[ +_-]?uri))\b{WORDS}(?P<value>{HANDLE.pattern})"
    rf"(?:{WORDS}(?P<other>{HANDLE.pattern}))?+"
)
KINDS: Mapping[str, str] = {
    **MEMBERS, "refreshtoken": "refresh_token", "accesstoken": "access_token",
    "idtoken": "id_token", "verifier": "code_verifier", "requesturi": "request_uri",
}  # fmt: skip


def random_member(name: str, text: str, start: int) -> str:
    """What a member of JSON is by its name, if its value, which starts here, is random; or empty.

    The values of other members of that name are words: an error code, say.
    """
    return MEMBERS.get(name, "") if MEMBER.match(text, start) else ""


def without_said(text: str, label: Callable[[str, str], str]) -> str:
    """The text with what `label` makes of a kind and a value in place of those it speaks of."""

    def shown(match: re.Match[str]) -> str:
        name = squeezed(re.sub("[ +]", "", match["name"]))
        said, at = "", match.start()
        for group in ("value", "other"):
            if value := match[group]:
                said += text[at : match.start(group)] + label(KINDS.get(name, name), value)
                at = match.end(group)
        return said

    return SAID.sub(shown, text)
