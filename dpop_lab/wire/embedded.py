"""Secrets within a text: fields of a page, parts of a form, encoded URLs, the lists of a HAR."""

import html
import json
import re
from collections.abc import Callable
from urllib.parse import unquote_plus

from dpop_lab.jose.encoding import whole_number

Shown = Callable[[str, str], str]  # what is shown for a value, after its name
DECODE = json.JSONDecoder(parse_int=whole_number).raw_decode
FIELD = re.compile(r"<(?:button|input|meta|param)\b[^<>]*+", re.I)
ATTRIBUTE = re.compile(r"""\b(name|value)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++))""", re.I)
ENCODED = re.compile(  # a run without delimiters, a `=` in which is encoded, however often
    r"""(?<![^\s"'<>&=?#;,()\\])(?=[^\s"'<>&=?#;,()\\]*?%(?:25)*3D)[^\s"'<>&=?#;,()\\]++""", re.I
)
OFTEN = re.compile(r"%(?:25)+(?=[0-9A-F]{2})", re.I)
TEXT = r'"(?:[^"\\]++|\\.)*+"'
NAMED = re.compile(
    rf'"name"\s*+:\s*+(?P<name>{TEXT})\s*+,\s*+"value"\s*+:\s*+(?P<value>{TEXT})'
    rf'|"value"\s*+:\s*+(?P<before>{TEXT})\s*+,\s*+"name"\s*+:\s*+(?P<after>{TEXT})',
    re.S,
)
BOUNDARY = re.compile(r'boundary="?([^";]+)', re.I)
PART = re.compile(r'\bname="?([^";\r\n]*)', re.I)
COOKIES = re.compile(r'"cookies"\s*+:\s*+(?=\[)')


def without_fields(text: str, shown: Shown) -> str:
    """HTML with what is shown for the values of its fields."""

    def field(match: re.Match[str]) -> str:
        given = {one[1].lower(): one for one in ATTRIBUTE.finditer(match[0])}
        if given.keys() != {"name", "value"}:
            return match[0]
        name, value = (html.unescape(_content(given[one])) for one in ("name", "value"))
        clean, where = shown(name, value), given["value"].span(given["value"].lastindex or 0)
        return match[0][: where[0]] + clean + match[0][where[1] :] if clean != value else match[0]

    return FIELD.sub(field, text)


def _content(attribute: re.Match[str]) -> str:
    return attribute[attribute.lastindex or 0]


def without_encoded(text: str, clean: Callable[[str], str]) -> str:
    """The text with URLs and forms decoded that are encoded in it and hold a secret."""

    def decoded(match: re.Match[str]) -> str:
        meant = unquote_plus(OFTEN.sub("%", match[0]))
        shown = clean(meant)
        return match[0] if shown == meant else shown

    return ENCODED.sub(decoded, text)


def without_lists(text: str, shown: Shown, header: Shown) -> str:
    """JSON with what is shown for the values in lists of names and values, such as a HAR has.

    A parameter and a header line may have the same name; what is no parameter is one.
    """
    inside = list[tuple[int, int]]()
    for found in COOKIES.finditer(text):
        if not inside or found.end() >= inside[-1][1]:
            inside.append((found.end(), DECODE(text, found.end())[1]))

    def pair(match: re.Match[str]) -> str:
        which = "value" if match["value"] else "before"
        name = json.loads(match["name"] or match["after"])
        value = json.loads(match[which])
        of_cookie = any(start < match.start() < end for start, end in inside)
        clean = header("cookie", f"={value}")[1:] if of_cookie else shown(name, value)
        if clean == value and name.lower() != "dpop":
            clean = header(name, value)
        if clean == value:
            return match[0]
        start, end = (one - match.start() for one in match.span(which))
        return match[0][:start] + json.dumps(clean) + match[0][end:]

    return NAMED.sub(pair, text)


def without_parts(body: str, content_type: str, shown: Shown) -> str:
    """A multipart body with what is shown for each of its fields."""

    def part(text: str) -> str:
        head, gap, value = [*re.split(r"(\r?\n\r?\n)", text, maxsplit=1), "", ""][:3]
        name, content = PART.search(head), value.rstrip("\r\n")
        return head + gap + shown(name[1] if name else "", content) + value[len(content) :]

    boundary = BOUNDARY.search(content_type)
    mark = f"--{boundary[1].strip()}" if boundary else ""
    return mark.join(map(part, body.split(mark))) if mark else part(body)
