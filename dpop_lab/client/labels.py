"""Secret values and the labels that stand for them: `<access_token 1>`, `<access_token 2>`."""

import base64
import html
import json
import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from functools import cached_property
from urllib.parse import quote, quote_plus, unquote_plus

LONG, LONGEST = 12, 10_000  # characters: what is looked for everywhere, what is not even remembered
MOST = 300  # values remembered at once: the search for them takes time with every exchange
CODECS = ("utf-8", "latin-1", "cp1252")
STANDARD = str.maketrans("-_", "+/")  # base64url as base64
UNRESERVED = re.compile(r"[A-Za-z0-9._~-]*")  # no encoding changes these
ESCAPED_BY_DOTNET = re.compile(r"""[^ -~]|["&'+<>`]""")
LABEL = re.compile(r"<\w+ \d+>")


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


class Known:
    """A value that was seen: its kind, its label once it has one, and how it may be written."""

    def __init__(self, kind: str, value: str) -> None:
        self.kind, self.value, self.label = kind, value, ""

    @cached_property
    def spellings(self) -> list[str]:
        """The value as it is and in URL, form, JSON and HTML encoding, longest first.

        A list, not a pattern: to search for each takes time in proportion to the text, no more.
        """
        value = self.value
        if UNRESERVED.fullmatch(value):
            return [value]
        urls = set(_in_urls(value))
        urls |= {re.sub("%..", lambda match: match[0].lower(), url) for url in urls}
        plain, unicode = json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]
        jsons = {plain, plain.replace("/", r"\/"), unicode}  # Python, PHP, most others
        jsons.add(re.sub("[&<>]", lambda match: f"\\u{ord(match[0]):04x}", unicode))  # Go
        jsons.add(ESCAPED_BY_DOTNET.sub(_escaped, value.replace("\\", r"\\")))
        entities = html.escape(value)
        htmls = {entities, entities.replace("&#x27;", "&#39;"), html.escape(value, quote=False)}
        return sorted({value} | urls | jsons | htmls, key=len, reverse=True)


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

    def replace(self, texts: list[str]) -> list[str]:
        """The texts without any known long value, in whatever spelling."""
        whole = "\n".join(texts)
        lengths = range(self._shortest, len(whole) + 1)  # no spelling is shorter than the value
        long = [one for one in self._known.values() if len(one.value) in lengths]
        found = [one for one in long if any(spelling in whole for spelling in one.spellings)]
        for known in sorted(found, key=lambda one: len(one.value), reverse=True):  # parts last
            for spelling in known.spellings:
                texts = [text.replace(spelling, self._label(known)) for text in texts]
        return texts


def passwords_in(pair: str) -> list[str]:
    """How the password in Basic credentials may be written, whatever its encoding.

    No field says whether it is UTF-8 or Latin-1, nor whether it was form-encoded before, and
    whoever echoes it may take it for the other.
    """
    try:
        octets = base64.b64decode(pair.translate(STANDARD) + "==")
    except ValueError:
        return []
    password = octets.partition(b":")[2]
    plain = [password.decode(codec, "replace") for codec in CODECS]
    decoded = [unquote_plus(text, codec) for text in plain for codec in CODECS]
    return list(dict.fromkeys((*plain, *decoded)))
