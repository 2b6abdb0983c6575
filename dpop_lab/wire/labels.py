"""Secret values and the labels that stand for them: `<access_token 1>`, `<access_token 2>`."""

import base64
import html
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import product
from urllib.parse import unquote_plus

from dpop_lab.wire.secrets import LOOSE, is_hidden

LONG, LONGEST = 12, 10_000  # characters: what is looked for everywhere, what is not even remembered
MOST = 300  # values remembered at once: the search for them takes time with every exchange
CODECS = ("utf-8", "latin-1", "cp1252")
UNREADABLE = "\ufffd"
STANDARD = str.maketrans("-_", "+/")  # base64url as base64
UNRESERVED = re.compile(r"[A-Za-z0-9._~-]*")  # no encoding changes these
LABEL = re.compile(r"(?P<label><\w+\ \d+>)")
BACKSLASH, SEMICOLON = r"(?:\\|%(?:25)*5[Cc])", r"(?:;|%(?:25)*3[Bb])"
ESCAPE, HEX = rf"{BACKSLASH}++", "[0-9A-Fa-f]"
# A value can be spelt in hundreds of ways: what is meant by a text is compared with what it means.
WRITTEN = re.compile(  # what stands for one character in a URL, a form, HTML, JSON, a program
    rf"""(?=[\\%&<])(?:
       (?:{BACKSLASH}*+(?:&|%(?:25)*26)|{ESCAPE}u0026)
         (?:amp{SEMICOLON})*(?P<entity>(?:\#|%23)?\w{{1,31}}){SEMICOLON}
      |{BACKSLASH}*+(?:{LABEL.pattern}|%(?:25)*(?P<octet>{HEX}{{2}}))
      |{ESCAPE}[xU](?P<escaped>(?<=x){HEX}{{2}}|(?<=U)000{HEX}{{5}})
      |(?P<utf16>(?:{ESCAPE}u[dD][89ABab]{HEX}{{2}})?{ESCAPE}u{HEX}{{4}})
      |{ESCAPE}(?P<plain>.?))""",
    re.S | re.X,
)
FOLDED = str.maketrans("+\n\r\t\b\f", " nrtbf")  # as in forms, and behind a backslash
BACKSLASHES = re.compile(rf"\A{ESCAPE}")


def _meant(written: re.Match[str]) -> str:
    """The character that is meant, but no backslash; of a label one that no secret has."""
    kind = str(written.lastgroup)
    text = written[kind]
    if kind == "label":
        return "\0"
    if kind in ("octet", "escaped"):
        text = chr(int(text, 16))
    elif kind == "entity":
        text = html.unescape(f"&{unquote_plus(text)};")
    elif kind == "utf16":
        units = bytes.fromhex("".join(re.findall("u(....)", text)))
        text = units.decode("utf-16-be", "surrogatepass")
    return text.replace("\\", "") or "\0"


def _read(text: str, units: re.Pattern[str]) -> str:
    """The characters that are meant by a text, in which `units` stand for one each."""
    return units.sub(_meant, text).translate(FOLDED)


def _written(text: str, units: re.Pattern[str]) -> list[str]:
    """How each character is written that is meant by a text; in the end, nothing."""
    written: list[str] = []
    position = 0
    for unit in units.finditer(text):
        written += [*text[position : unit.start()], unit[0], *[""] * (len(_meant(unit)) - 1)]
        position = unit.end()
    return [*written, *text[position:], ""]


def _misread(value: str) -> Iterator[str]:
    """What becomes of a value, if it is not ASCII, where its encoding is mistaken or missing."""
    for written, taken_for in product(CODECS, repeat=2):
        with suppress(UnicodeEncodeError):
            yield value.encode(written).decode(taken_for, "replace")
    asked = value.encode("ascii", "replace").decode()
    if 2 * asked.count("?") < len(asked):  # else it might be any text
        yield asked


def _readings(value: str) -> Mapping[re.Pattern[str], list[str]]:
    """What is read where the value stands in any encoding, longest first, and as it is.

    Also where what a name within it gives away is replaced already.
    """
    if UNRESERVED.fullmatch(value):
        return {WRITTEN: [], LABEL: [value]}
    without = LOOSE.sub(r"\g<name>\g<gap>\g<quote><a 1>", value)
    texts = {value, without, *_misread(value)}
    texts |= {text.encode("utf-8", "surrogatepass").decode("latin-1") for text in texts}
    read = {_read(text, WRITTEN).rstrip("\0") for text in texts} - {""}
    return {
        WRITTEN: sorted(read, key=len, reverse=True),
        LABEL: [_read(text, LABEL) for text in (value, without)],
    }


@dataclass(slots=True, eq=False)
class Known:
    """A value that was seen: its kind, how it is found, and its label once it has turned up."""

    kind: str
    value: str = field(repr=False)
    readings: Mapping[re.Pattern[str], list[str]] = field(repr=False)
    shortest: int  #: it is looked for everywhere if it is no shorter
    label: str = ""


Sought = Mapping[re.Pattern[str], list[tuple[str, Known]]]


class Labels:
    """Gives each secret its kind and order of appearance, the same in every place.

    Nothing of a value, neither hash nor length, is in its label. Values of at least `shortest`
    characters are looked for everywhere. No more than `most` values are remembered, the oldest of
    the commonest kind goes first; one that comes back after that gets a new number. Not safe for
    threads.
    """

    def __init__(self, shortest: int = LONG, most: int = MOST) -> None:
        self._shortest, self._most = shortest, most
        self._known: dict[str, Known] = {}
        #: What is looked for, by the kind that is not, until another value is known.
        self._sought: dict[str, Sought] = {}
        self._counts: Counter[str] = Counter()  # of labels, by their kinds
        self._kinds: dict[str, dict[str, None]] = defaultdict(dict)  # the values of each

    def label(self, kind: str, value: str) -> str:
        """The label of this value, as it was at first; a label and nothing stay as they are."""
        return value if not value or LABEL.fullmatch(value) else self._label(self.know(kind, value))

    def kinds(self) -> list[str]:
        """The kinds of the long values that got a label, and of passwords, which may be short."""
        known = [one for one in self._known.values() if one.label]
        told = [one.kind for one in known if len(one.value) >= LONG or one.kind == "password"]
        return list(dict.fromkeys(told))

    def _label(self, known: Known) -> str:
        if not known.label:
            self._counts[known.kind] += 1
            known.label = f"<{known.kind} {self._counts[known.kind]}>"
        return known.label

    def know(self, kind: str, value: str, *, shortest: int | None = None) -> Known:
        """Look for this value from now on, if it is long; it gets its number when it turns up."""
        shortest = self._shortest if shortest is None else shortest
        if len(value) > LONGEST:
            return Known(kind, value, {}, shortest)
        if (known := self._known.get(value)) is None:
            known = self._known[value] = Known(kind, value, _readings(value), shortest)
            self._kinds[kind][value] = None
            self._seek_anew(kind)
            if len(self._known) > self._most:  # many cookies do not drive out the one secret
                most = max(self._kinds, key=lambda one: len(self._kinds[one]))
                oldest = next(iter(self._kinds[most]))
                del self._known[oldest], self._kinds[most][oldest]
                self._seek_anew(most)
        if shortest < known.shortest:
            known.shortest = shortest
            self._seek_anew(known.kind)
        return known

    def _seek_anew(self, kind: str) -> None:
        """Forget what is looked for, but for where this kind is not."""
        self._sought = {but: sought for but, sought in self._sought.items() if but == kind}

    def _looked_for(self, but: str) -> Sought:
        """The readings of all long values but those of a kind, of the longest value first."""
        if but not in self._sought:
            longest = sorted(self._known.values(), key=lambda one: len(one.value), reverse=True)
            long = [one for one in longest if len(one.value) >= one.shortest and one.kind != but]
            self._sought[but] = {
                units: [(reading, one) for one in long for reading in one.readings[units]]
                for units in (WRITTEN, LABEL)
            }
        return self._sought[but]

    def replace(self, texts: list[str], *, but: str = "") -> list[str]:
        """The texts without any known long value, in whatever spelling, `but` those of a kind."""
        for units, readings in self._looked_for(but).items():
            whole = _read("\n".join(texts), units) if readings else ""
            if found := [pair for pair in readings if pair[0] in whole]:
                texts = [self._without(text, found, units) for text in texts]
        return texts

    def _without(self, text: str, found: list[tuple[str, Known]], units: re.Pattern[str]) -> str:
        """The text with labels in place of these values, parts last, but not within a label."""
        meant, written = _read(text, units), _written(text, units)
        for reading, known in found:
            if reading not in meant:
                continue
            end = 0
            for ahead in meant.split(reading)[:-1]:
                start = end + len(ahead)
                end = start + len(reading)
                while start and not written[start]:  # it begins within what stands for several
                    start -= 1
                written[start:end] = [self._label(known), *[""] * (end - start - 1)]
                if known.value.endswith(("\\", "%5C", "%5c")):
                    written[end] = BACKSLASHES.sub("", written[end])
            meant = meant.replace(reading, "\0" * len(reading))
        return "".join(written)


def known(value: str) -> str:
    """A value as it is, or the label that stands for it alone; empty for what else hides one."""
    return value if LABEL.fullmatch(value) or not is_hidden(value) else ""


def passwords_in(pair: str) -> list[str]:
    """How the password in Basic credentials may be read: UTF-8 or Latin-1, form-encoded or not.

    No field says which; in how many ways it may be misread is known of each value.
    """
    try:
        octets = base64.b64decode(pair.translate(STANDARD) + "==")
    except ValueError:
        return []
    password = octets.partition(b":")[2]
    texts = [password.decode(codec, "replace") for codec in CODECS]
    texts += [unquote_plus(text, codec) for text in texts for codec in CODECS]
    return [text for text in dict.fromkeys(texts) if text and UNREADABLE not in text]
