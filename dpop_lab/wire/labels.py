"""Secret values and the labels that stand for them: `<access_token 1>`, `<access_token 2>`."""

import base64
import html
import json
import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from html.entities import codepoint2name
from itertools import product
from urllib.parse import quote, quote_plus, unquote_plus

LONG, LONGEST = 12, 10_000  # characters: what is looked for everywhere, what is not even remembered
MOST = 300  # values remembered at once: the search for them takes time with every exchange
CODECS = ("utf-8", "latin-1", "cp1252")
UNREADABLE = "\ufffd"
ENTITIES = ("&#{:d};", "&#x{:x};", "&#x{:X};")
NAMED_ENTITIES = {code: f"&{name};" for code, name in codepoint2name.items() if code > 127}
STANDARD = str.maketrans("-_", "+/")  # base64url as base64
UNRESERVED = re.compile(r"[A-Za-z0-9._~-]*")  # no encoding changes these
ESCAPED_BY_DOTNET = re.compile(r"""[^ -~]|["&'+<>`]""")
LABEL = re.compile(r"(<\w+ \d+>)")


def _escaped(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass").hex().upper()
    return re.sub("....", r"\\u\g<0>", units)


def _in_urls(value: str) -> Iterator[str]:
    """The value in URL and form encoding, of UTF-8 and of what Windows and old servers write."""
    for codec in CODECS[: 1 if value.isascii() else None]:
        try:
            octets = value.encode(codec, "surrogatepass" if codec == "utf-8" else "strict")
        except UnicodeEncodeError:
            continue
        yield from (quote(octets, ""), quote(octets, "/"), quote_plus(octets))


def _misread(value: str) -> Iterator[str]:
    """What becomes of a value that is not ASCII where its encoding is mistaken or has no place."""
    for written, taken_for in product(CODECS, repeat=2):
        with suppress(UnicodeEncodeError):
            yield value.encode(written).decode(taken_for, "replace")
    yield ascii(value)[1:-1]
    asked = value.encode("ascii", "replace").decode()
    if 2 * asked.count("?") < len(asked):  # else it might be any text
        yield asked


def _in_json(value: str) -> Iterator[str]:
    plain, unicode = json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]
    yield from (plain, plain.replace("/", r"\/"), unicode)  # Python, PHP, most others
    yield re.sub("[&<>]", lambda match: f"\\u{ord(match[0]):04x}", unicode)  # Go
    yield ESCAPED_BY_DOTNET.sub(_escaped, value.replace("\\", r"\\"))


def _in_html(value: str) -> Iterator[str]:
    entities = html.escape(value)
    htmls = (entities, entities.replace("&#x27;", "&#39;"), html.escape(value, quote=False), value)
    yield from htmls
    for text in () if value.isascii() else htmls:
        for entity in ENTITIES:
            yield "".join(one if one.isascii() else entity.format(ord(one)) for one in text)
        yield "".join(NAMED_ENTITIES.get(ord(one), one) for one in text)


class Known:
    """A value that was seen: its kind, its label once it has one, and how it may be written."""

    def __init__(self, kind: str, value: str) -> None:
        self.kind, self.value, self.label = kind, value, ""

    @cached_property
    def spellings(self) -> list[str]:
        """The value as it is and in URL, form, JSON and HTML encoding, longest first.

        One that is not ASCII also as it is misread. A list, not a pattern: to search for each takes
        time in proportion to the text, no more.
        """
        if UNRESERVED.fullmatch(self.value):
            return [self.value]
        found = set()
        for value in (self.value, *(() if self.value.isascii() else _misread(self.value))):
            urls = set(_in_urls(value))
            urls |= {re.sub("%..", lambda match: match[0].lower(), url) for url in urls}
            found |= {*urls, *_in_json(value), *_in_html(value)}
        return sorted(found - {""}, key=len, reverse=True)


class Labels:
    """Gives each secret its kind and order of appearance, the same in every place.

    Nothing of a value, neither hash nor length, is in its label. Values of at least `shortest`
    characters are looked for everywhere. No more than 300 values are remembered, the oldest of the
    commonest kind goes first; one that comes back after that gets a new number. Not safe for
    threads.
    """

    def __init__(self, shortest: int = LONG) -> None:
        self._shortest = shortest
        self._known: dict[str, Known] = {}
        self._kept: defaultdict[str, deque[str]] = defaultdict(deque)
        self._counts: Counter[str] = Counter()

    def label(self, kind: str, value: str) -> str:
        """The label of this value, as it was at first; a label and nothing stay as they are."""
        return value if not value or LABEL.fullmatch(value) else self._label(self.know(kind, value))

    def kinds(self, shortest: int) -> list[str]:
        """The kinds of the values that got a label, of those with so many characters at least."""
        known = [one for one in self._known.values() if one.label and len(one.value) >= shortest]
        return list(dict.fromkeys(one.kind for one in known))

    def _label(self, known: Known) -> str:
        if not known.label:
            self._counts[known.kind] += 1
            known.label = f"<{known.kind} {self._counts[known.kind]}>"
        return known.label

    def know(self, kind: str, value: str) -> Known:
        """Look for this value from now on, if it is long; it gets its number when it turns up."""
        known = self._known.get(value) or Known(kind, value)
        if value not in self._known and len(value) <= LONGEST:
            self._known[value] = known
            self._kept[kind].append(value)
            if len(self._known) > MOST:  # many tokens or cookies do not drive out the one secret
                del self._known[max(self._kept.values(), key=len).popleft()]
        return known

    def replace(self, texts: list[str], *, but: str = "") -> list[str]:
        """The texts without any known long value, in whatever spelling, `but` those of a kind."""
        whole = "\n".join(texts)
        found = [
            one
            for one in self._known.values()
            if len(one.value) >= self._shortest
            and one.kind != but
            and len(one.spellings[-1]) <= len(whole)
            and any(spelling in whole for spelling in one.spellings)
        ]
        for known in sorted(found, key=lambda one: len(one.value), reverse=True):  # parts last
            for spelling in known.spellings:
                texts = [_without(text, spelling, self._label(known)) for text in texts]
        return texts


def _without(text: str, spelling: str, label: str) -> str:
    """The text with a label in place of this, but not within another label."""
    if spelling not in text or LABEL.search(spelling):
        return text.replace(spelling, label)
    parts = LABEL.split(text)  # every other one is a label
    parts[::2] = [part.replace(spelling, label) for part in parts[::2]]
    return "".join(parts)


def passwords_in(pair: str) -> list[str]:
    """How the password in Basic credentials may be read: UTF-8 or Latin-1, form-encoded or not.

    No field says which; in how many ways it may be misread is known of each value.
    """
    try:
        octets = base64.b64decode(pair.translate(STANDARD) + "==")
    except ValueError:
        return []
    password = octets.partition(b":")[2]
    plain = [password.decode(codec, "replace") for codec in CODECS]
    decoded = [unquote_plus(text, codec) for text in plain for codec in CODECS]
    read = dict.fromkeys((*plain, *decoded))
    return [text for text in read if text and UNREADABLE not in text]
