"""Commands in a text, curl and its like, each with what it printed; nothing is run or opened."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace

from dpop_lab.doctor.paste.curl_command import HEADERS_ELSEWHERE, request_of, words_of
from dpop_lab.doctor.paste.messages import (
    START,
    answered,
    curl_output,
    is_curl_output,
    raw_messages,
)
from dpop_lab.doctor.paste.pasted import MOST, Pasted, of_exchanges
from dpop_lab.session.call import host_of
from dpop_lab.session.reading import json_value
from dpop_lab.wire.message import Exchange

METHODS = r"(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)"
COMMAND = re.compile(
    rf"""^[^\n]{{0,300}}?\b(?P<curl>curl|wget)(?:\.exe)?[ \t]+(?=[-'"$^]|https?:|[\w.-]+[:/.])
    | ^[ \t]*(?:[$%>#][ \t]+)?(?P<httpie>https?|xhs?)[ \t]+
      (?=(?:-\S+[ \t]+){{0,9}}(?:{METHODS}[ \t]+\S|https?://|:[\d/]|[\w-]+(?:\.[\w-]+)+[/ :]))""",
    re.M | re.X,
)
REST = re.compile(
    r"""(?:[^\\'"\n]+|\\.|'[^']*'|"(?:[^"\\]|\\.)*"|\n[ \t]*(?=--?[A-Za-z]))*+""", re.S
)
GIVEN = re.compile(
    r"""^[ \t]*(?:[$>][ \t]+)?(?:export[ \t]+|set[ \t]+|\$(?:env:)?)?([A-Za-z_]\w*)[ \t]*=[ \t]*
    ("[^"$`\n]*"|'[^'\n]*'|[^\s"'$`();]+)""",
    re.M | re.X,
)
VARIABLE = re.compile(r"\$\{?(?:env:)?([A-Za-z_]\w*)\}?|%([A-Za-z_]\w*)%")
ITEM = re.compile(r"([\w.\-\[\]]+)(:=|==|=|:)(.*)", re.S)
LONGEST = 300_000  # characters of commands and what they printed
NAMES = {"curl": "a curl command", "wget": "a wget command"}


def commands(text: str) -> Pasted | None:
    """The requests of the commands in a text, each with the answers printed after it."""
    if COMMAND.search(text) is None:
        return None
    text = re.sub(r"[\\`^][ \t]*\n", " ", text[:LONGEST])
    marks = [mark for _, mark in zip(range(MOST), COMMAND.finditer(text), strict=False)]
    ends = [mark.start() for mark in marks[1:]] + [len(text)] * bool(marks)
    given = {name: value.strip("\"'") for name, value in GIVEN.findall(text)}
    found: list[Exchange] = []
    remarks: dict[str, None] = {}
    for mark, end in zip(marks, ends, strict=True):
        command, printed = _apart(text[mark.end() : end])
        words = [_filled(word, given) for word in words_of(command)]
        asked, told = request_of(_as_curl(words, mark["httpie"]) if mark["httpie"] else words)
        if asked.request_headers or "://" in command or mark["httpie"]:
            found += _with_printed(asked, printed)
            remarks |= dict.fromkeys(told)
    if not found:
        return None
    kind = NAMES.get((marks[0]["curl"] or "").lower(), "an HTTPie command")
    if len(marks) > 1:
        kind = f"a list of {kind.partition(' ')[2]}s"
    whose = "their" if len(marks) > 1 else "its"
    kind += f" with {whose} output" * any(one.status is not None for one in found)
    pasted = of_exchanges(kind, found, whole=HEADERS_ELSEWHERE not in remarks)
    return replace(pasted, remarks=(*pasted.remarks, *remarks))


def _filled(word: str, given: dict[str, str]) -> str:
    """A word with the values of the variables that were set in the text."""
    return VARIABLE.sub(lambda match: given.get(match[1] or match[2], match[0]), word)


def _apart(text: str) -> tuple[str, str]:
    """The command up to the end of its line, and what stands after it."""
    match = REST.match(text)
    end = match.end() if match else 0
    if text[end : end + 1] in ("'", '"', "\\"):  # a quote that is not closed
        gap = text.find("\n\n", end)
        end = len(text) if gap < 0 else gap
    return text[:end], text[end:]


def _with_printed(asked: Exchange, printed: str) -> list[Exchange]:
    """The request with the answer that was printed, or the exchanges that `-v` showed."""
    if is_curl_output(printed):
        shown = curl_output(printed)
    elif (start := START.search(printed)) is not None:
        shown = raw_messages(printed[start.start() :])
    else:
        body = printed.strip() if json_value(printed) is not None else ""
        return [replace(asked, response_body=body)]
    if not shown:
        return [asked]
    return list(_completed(asked, shown))


def _completed(asked: Exchange, shown: list[Exchange]) -> Iterator[Exchange]:
    """What was shown, with what only the command says of it: scheme, body, the request itself."""
    for number, one in enumerate(shown):
        if one.method:
            same = host_of("http:" + one.url) == host_of(asked.url)
            scheme = asked.url.partition("//")[0] if same and one.url.startswith("//") else ""
            body = one.request_body or (asked.request_body if one.method == asked.method else "")
            yield replace(one, url=scheme + one.url or asked.url, request_body=body)
        elif number == 0:
            yield answered(asked, one)
        else:
            yield one


def _as_curl(words: list[str], tool: str) -> list[str]:
    """The words of an HTTPie command as those of a curl command."""
    made: list[str] = []
    data: dict[str, str] = {}
    url, form = "", any(word in ("-f", "--form") for word in words)
    for word in words:
        item = ITEM.fullmatch(word)
        if re.fullmatch(METHODS, word) and not url:
            made += ["-X", word]
        elif word.startswith("-"):
            continue
        elif not url:
            url = _full_url(word, tool)
        elif item and item[2] == ":":
            made += ["-H", f"{item[1]}: {item[3]}"]
        elif item and item[2] == "==":
            url += f"{'&' if '?' in url else '?'}{item[1]}={item[3]}"
        elif item:
            data[item[1]] = item[3]
    if data and form:
        made += [part for pair in data.items() for part in ("--data-urlencode", "=".join(pair))]
    elif data:
        made += ["--json", json.dumps(data)]
    return [*made, url]


def _full_url(word: str, tool: str) -> str:
    """HTTPie's short forms of a URL written out."""
    if "://" in word:
        return word
    scheme = "https" if tool.endswith("s") else "http"
    return f"{scheme}://localhost{word}" if word.startswith(":") else f"{scheme}://{word}"
