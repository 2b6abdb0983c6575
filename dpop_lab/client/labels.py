"""Secret values and the labels that stand for them: `<access_token 1>`, `<access_token 2>`."""

import html
import json
import re
from bisect import insort
from collections import Counter, deque
from typing import NamedTuple

LONG = 12  # a secret this long is replaced wherever it turns up, a shorter one in its field alone
PROOFS = 100  # there is a new one in each exchange, and a used one soon is worth nothing
UNRESERVED = re.compile(r"[A-Za-z0-9._~-]*")  # no encoding changes these


class Known(NamedTuple):
    """A long value to look for; the pattern, if there is one, fits its encoded spellings too."""

    order: int
    value: str
    kind: str
    pattern: re.Pattern[str] | None

    def is_in(self, text: str) -> bool:
        """Does the value stand in this text, in any spelling?"""
        return self.value in text if self.pattern is None else bool(self.pattern.search(text))


class Labels:
    """Gives each secret its kind and order of appearance, the same in every place.

    Nothing of a value, neither hash nor length, is in its label. Not safe for threads.
    """

    def __init__(self) -> None:
        self._labels: dict[str, str] = {}
        self._given: set[str] = set()
        self._counts: Counter[str] = Counter()
        self._known: list[Known] = []  # longest first: a value may be part of another
        self._seen: set[str] = set()
        self._proofs: deque[Known] = deque()

    def label(self, kind: str, value: str) -> str:
        """The label of this value, as it was at first; a label and nothing stay as they are."""
        if not value or value in self._given:
            return value
        if value not in self._labels:
            self._counts[kind] += 1
            self._labels[value] = f"<{kind} {self._counts[kind]}>"
            self._given.add(self._labels[value])
            self.know(kind, value)
        return self._labels[value]

    def know(self, kind: str, value: str) -> None:
        """Look for this value from now on, if it is long; it gets its number when it turns up."""
        if len(value) >= LONG and value not in self._seen:
            self._seen.add(value)
            pattern = None if UNRESERVED.fullmatch(value) else any_spelling(value)
            known = Known(-len(value), value, kind, pattern)
            insort(self._known, known, key=lambda one: one[:2])
            if kind == "proof":
                self._forget_old_proof(known)

    def _forget_old_proof(self, latest: Known) -> None:
        self._proofs.append(latest)
        if len(self._proofs) > PROOFS:
            self._known.remove(self._proofs.popleft())

    def replace(self, texts: list[str]) -> list[str]:
        """The texts without any known long value, in whatever spelling."""
        whole = "\n".join(texts)
        for known in self._known:
            if known.is_in(whole):
                label = self.label(known.kind, known.value)
                texts = [_replaced(text, known, label) for text in texts]
        return texts


def _replaced(text: str, known: Known, label: str) -> str:
    if known.pattern is None:
        return text.replace(known.value, label)
    return known.pattern.sub(label, text)


def any_spelling(value: str) -> re.Pattern[str]:
    """A pattern for the value as it is, and in URL, form, JSON and HTML encoding."""
    return re.compile("".join(map(_spellings, value)))


def _spellings(character: str) -> str:
    if UNRESERVED.fullmatch(character):
        return re.escape(character)
    units = character.encode("utf-16-be", "surrogatepass").hex()
    escaped = "".join(rf"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
    percent = "".join(f"%{octet:02x}" for octet in character.encode("utf-8", "surrogatepass"))
    spelled = {json.dumps(character)[1:-1], f"\\{character}", html.escape(character), character}
    spelled |= {"+"} if character == " " else set()
    longest_first = sorted(spelled, key=len, reverse=True)  # `&amp;` before `&`
    number = f"&#0*{ord(character)};|(?i:&#x0*{ord(character):x};)"
    return f"(?:(?i:{escaped}|{percent})|{number}|{'|'.join(map(re.escape, longest_first))})"
