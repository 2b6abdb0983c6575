"""What a text is wrapped in when it was copied: fences, quote marks, indentation, empty lines."""

import re
import textwrap
from collections.abc import Iterator

COMMENT = re.compile(r"^[ \t]*(//|#|>|--(?!--)|;|\|)(?: |$)")
FENCE = re.compile(r"[ \t>]*(```|~~~)")
START = re.compile(r"HTTP/\d|[A-Z]+ +\S+ +HTTP/\d")
FIELD = re.compile(r"[\w-]+:[ \t]")
PROMPT = re.compile(r"[^<{\n]{0,100}[$%#>\u276f]\s*")
MOST_MARKS = 5  # of mails quoted in mails


def unwrapped(text: str) -> str:
    """The text without quote marks and indentation, an empty line after each, a last prompt."""
    for _ in range(MOST_MARKS):
        if re.search(r"^[<>] ?(?:HTTP/\d|[A-Z]+ \S+ HTTP/\d)", text, re.M):
            break  # so does `curl -v` mark what it sent and got
        bare = uncommented(text)
        if bare == text:
            break
        text = bare
    text = re.sub(r"^###.*$", "", text, flags=re.M)  # between the requests of an .http file
    return _without_prompt(_single_spaced(_dedented(text)))


def fenced(text: str) -> str:
    """What stands in the Markdown fences of a text, one after the other; empty for none."""
    return "\n\n".join(_fenced(text)) if "```" in text or "~~~" in text else ""


def _fenced(text: str) -> Iterator[str]:
    inside: list[str] | None = None
    for line in text.split("\n"):
        if FENCE.match(line) is None:
            if inside is not None:
                inside.append(line)
        elif inside is None:
            inside = []
        else:
            yield textwrap.dedent("\n".join(inside))
            inside = None
    if inside:
        yield textwrap.dedent("\n".join(inside))


def uncommented(text: str) -> str:
    """The text without the comment mark that stands before every line of it, if one does."""
    lines = text.split("\n")
    full = [line for line in lines if line.strip()]
    first = COMMENT.match(full[0]) if full else None
    if first is None or len(full) < 2:
        return text
    mark = first[1]
    if not all(line.lstrip(" \t").startswith(mark) for line in full):
        return text
    return "\n".join(re.sub(rf"^[ \t]*{re.escape(mark)} ?", "", line) for line in lines)


def _dedented(text: str) -> str:
    """Without the indentation of all lines, or of all but the first, which was cut with care."""
    first, _, rest = text.strip("\n").partition("\n")
    if START.match(first) and rest.startswith((" ", "\t")):
        bare = textwrap.dedent(rest)
        return f"{first}\n{bare}" if FIELD.match(bare) else text
    return textwrap.dedent(text) if text.lstrip("\n")[:1] in (" ", "\t") else text


def _single_spaced(text: str) -> str:
    """Without the empty line after each line, where there is one after each."""
    lines = text.strip("\n").split("\n")
    kept = lines[::2]
    if len(kept) < 3 or any(line.strip() for line in lines[1::2]) or not FIELD.match(kept[1]):
        return text
    return "\n".join(kept)


def _without_prompt(text: str) -> str:
    """Without the prompt that a terminal shows after what it printed."""
    body, _, last = text.rstrip().rpartition("\n")
    is_prompt = PROMPT.fullmatch(last) and not FIELD.match(last)
    return body + "\n" if body and is_prompt else text
