"""A small grammar of refusals: what the words are about, and what is wrong with that."""

import re
from typing import NamedTuple

NAME = re.compile(r"\b(?:[A-Za-z]?[a-z]+(?:[A-Z][a-z]+)+|[A-Z]+(?:_[A-Z]+)+)\b")  # in a program
HUMP = re.compile("(?<=[a-z])(?=[A-Z])|_")
#: What servers speak of, and what they say of it, each by the words that stand for it.
WORDS = {
    # what it is about
    "proof": r"\bdpop\b|\bproofs?\b|proof.of.possession",
    "token": r"\b(?:access[ -]?|bearer |bound )?token\b|\bjwt\b",
    "key": r"\bkeys?\b|key ?pair|thumbprint|\bjkt\b|\bcnf\b|confirmation|binding|\bbound\b",
    "hash": r"access.?token.?(?:hash|digest)|(?:hash|digest|sha.?256) of the (?:access )?token",
    "url": r"\bhtu\b|\bur[il]s?\b",
    "method": r"\bhtm\b|\bmethod\b|\bverb\b",
    "time": r"\biat\b|issued.?at|\bclock|\bskew|timestamp|\bwindow\b|\blifetime|validity|\bdrift"
    r"|not active",
    "demanded": r"\b(?:exp|aud|nbf|sub|iss|kid)\b",
    # what is wrong with it
    "missing": r"missing|did not present|\b(?:no|without|lack(?:s|ing)?|absent|empty|requir\w+"
    r"|mandat\w+|needed|need to|expect(?:s|ed)"
    r"|must (?:be present|have|include|provide|contain|send|carry))\b"
    r"|\b(?:not|n.?t)(?: \w+)? (?:present\w*|found|provided|given|supplied|set|sent)\b",
    "several": r"multiple|\b(?:several|more than one|exactly (?:one|once)|only one|too many|two)\b"
    r"|\btwice\b|\b(?:[2-9]|found \d+) (?:values|dpop|proofs?|headers?)\b"
    r"|\b(?:got|count:?) [2-9]\b|duplicate header",
    "differs": r"match|differ|\b(?:another|other|wrong|unexpected|unequal|changed|unknown)\b"
    r"|\b(?:is|was|does)(?: not|n.?t) (?:the|that|what|for|equal|issued|made|fit|tied)\b"
    r"|other than",
    "reused": r"replay|\bre-?us|already (?:been )?(?:used|seen|consumed|processed)|\bunique\b"
    r"|used (?:before|already|once|twice|more than once)|one.time|consumed|seen twice"
    r"|duplicat|cache hit"
    r"|\bjti\b.{0,30}(?:exists|seen|used|already)",
    "early": r"(?:should|must|has to) be in the past|"
    r"too (?:new|early|far in the future)|(?:in|from) (?:the )?future|ahead of|not yet valid",
    "old": r"too (?:old|far in the past)|\b(?:stale|expired|recent|fresh)\b|in the past"
    r"|(?:more|older) than .{0,20}(?:ago|s\b|sec|min)|\bago\b|max\w*.?age|\bage\b",
    "ended": r"\b(?:expired|inactive|ended|ran out)\b|(?:no longer|not) (?:active|valid any)",
    "lost": r"(?:(?:cant|cannot|could not) be (?:read|loaded|opened|(?:de|un)\w+|restored|found)"
    r"|not found|missing|lost|gone|unavailable|no longer|not available|does not exist"
    r"|from storage)",
    "unsupported": r"\bunsupported|disabled|\bnot (?:yet )?"
    r"(?:supported|enabled|allowed|accept(?:ed|able)|implemented|available)",
    "unreadable": r"too long|malformed|parse|decod|deserial|unmarshal|\bformat\b"
    r"|not in the form|\b(?:three|3) (?:parts|sections)|number of segments|header verification"
    r"|not an? (?:valid |well.formed |compact )?j(?:wt|ws)|invalid jwt|invalid \w+ header",
    "invalid": r"\b(?:in)?valid|verif|fail|\bbad\b|reject|refus|error|binding",
}


class Wording(NamedTuple):
    """Words for one thing: `says` is searched for in `[where SCHEME status] #code words`.

    Its alternatives stand between blanks and `|`; what has to be said in one, in any order, between
    blanks and `+`, what must not behind ` - `; `<name>` stands for words of `WORDS`. `where` is
    `authorize`, `par`, `code`, `refresh`, `token`, `api` or nothing. Code and words are in small
    letters, the scheme of the request alone is in capitals. The code is `bare_challenge` or
    `web_page` where the answer is that and has none.
    """

    topic: str  #: the name of a row, an error code, or a few words
    says: str
    means: str = ""  #: of a row, empty: what it means that the row fails
    do: str = ""  #: of a row, empty: what the row says
    at_server: bool = False  #: Is it the server's fault?

    @property
    def pattern(self) -> re.Pattern[str]:
        """What `says` says, to be searched for."""
        says = re.sub(r"<(\w+)>", lambda name: f"(?:{WORDS[name[1]]})", " ".join(self.says.split()))
        return re.compile("|".join(map(_together, says.split(" | "))))


def _together(said: str) -> str:
    """What has to be said, or must not, in any order, behind the code."""
    yes, *never = said.split(" - ")
    parts = yes.split(" + ")
    if not (parts[1:] or never):
        return said
    wanted = "".join(f"(?=.*?(?:{one}))" for one in parts)
    return rf"\] #\S* {wanted}{''.join(f'(?!.*(?:{one}))' for one in never)}"


def squeezed(text: str) -> str:
    """A text without letter case, escapes, quotes and end mark, as it may have been copied."""
    text = re.sub(r"\\u0027|&#39;|&#x27;|&apos;|[\u2018\u2019`\"']", "", text.lower())
    return " ".join(text.replace("\\", "").split()).strip(" .")


def spaced(text: str) -> str:
    """The words in names such as dpopKeyMismatch and DPOP_REPLAY; in others, if all is one name."""
    names = NAME.findall(text.replace("DPoP", "Dpop")) if " " in text.strip() else [text]
    return " ".join(HUMP.sub(" ", one.replace("DPoP", "Dpop")) for one in names)
