"""What other servers say, by what the doctor takes it for, and which page that leads to."""

from functools import cache
from typing import NamedTuple

from dpop_lab.doctor.general import IN_GENERAL, Wording
from dpop_lab.doctor.wordings import SPECIFIC
from dpop_lab.doctor.words import fitting
from tests.pages.markdown import code, slug
from tests.pages.wire import ROWS
from tests.said import IN_THE_BROWSER, UNDER_BEARER, heard, read

#: Topics that are told on the page of another: a row's, or that of an error code.
TOLD_AT = {
    "no binding": "rows/bound_key.md",
    "code key": "rows/code_key.md",
    "refresh key": "rows/refresh_key.md",
    "any row": "errors/invalid_dpop_proof.md",
    "bare_challenge": "errors/no-error.md",
} | dict.fromkeys(("web_page", "own code", "status", "before"), "other/no-words.md")
#: What the doctor says of codes alone.
OF_CODES = {one.topic: one for one in IN_GENERAL if one.says == rf"#{one.topic}\b"}
NONCE = "use_dpop_nonce"  # the code that the wording of the row `nonce` is about


class Heard(NamedTuple):
    """Words of other servers that one wording stands for."""

    wording: Wording
    words: tuple[tuple[str, str], ...]  #: with who says them, empty where several do

    @property
    def path(self) -> str:
        """The page that tells of it."""
        return page_of(self.wording.topic)


def page_of(topic: str) -> str:
    """The path of the page about a topic: the name of a row, an error code, or a few words."""
    if topic in ROWS:
        return f"rows/{topic}.md"
    if topic in TOLD_AT:
        return TOLD_AT[topic]
    return f"errors/{topic}.md" if topic in OF_CODES else f"other/{slug(topic)}.md"


@cache
def others() -> tuple[Heard, ...]:
    """Every wording about proofs and what goes with them, with words that it was first to fit."""
    found: dict[int, list[tuple[str, str]]] = {n: [] for n in range(len(SPECIFIC))}
    for words in read().values():
        for text, who in words.items():
            call = heard(text)
            wording = fitting(call, call.description, SPECIFIC)
            assert wording, text
            found[next(n for n, one in enumerate(SPECIFIC) if one is wording)].append((text, who))
    return tuple(Heard(SPECIFIC[n], tuple(words)) for n, words in found.items())


def heard_at(path: str) -> list[Heard]:
    """Those that one page tells of."""
    return [one for one in others() if one.path == path]


def quoted(text: str) -> str:
    """Words as code, behind their error code, and how the request was sent where that counts."""
    call = heard(text)
    said = code(f"{call.error}: {call.description}" if call.error else call.description)
    said += " (in the browser)" * text.startswith(IN_THE_BROWSER)
    return f"{said} (to a request under Bearer)" if text.startswith(UNDER_BEARER) else said
