"""Commands in a text, curl and its like, each with what it printed; nothing is run or opened."""

import base64
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from urllib.parse import quote_plus

from dpop_lab.doctor.paste.pasted import MOST, Pasted, of_exchanges
from dpop_lab.doctor.paste.scan import exchanges_in
from dpop_lab.doctor.paste.unwrap import METHODS, START, unescaped
from dpop_lab.session.call import NOTHING, host_of
from dpop_lab.session.reading import json_value
from dpop_lab.wire.message import Exchange

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
ELSEWHERE = re.compile(r"\$\{?[A-Za-z_]\w*\}?|\$\(|`|%[A-Za-z_]\w*%")
ANSI = re.compile(r"\$'((?:[^'\\]|\\.)*)'", re.S)
ITEM = re.compile(r"([\w.\-\[\]]+)(:=|==|=|:)(.*)", re.S)
LONGEST, LONGEST_COMMAND = 300_000, 100_000  # characters, with and without what was printed
NAMES = {"curl": "a curl command", "wget": "a wget command"}
OPTIONS = {  # those with a value, by what they are for
    "header": "-H --header --proxy-header",
    "method": "-X --request --method",
    "data": "-d --data --data-raw --data-ascii --data-binary --json --data-urlencode --post-data"
    " --body-data",
    "form": "-F --form --form-string",
    "upload": "-T --upload-file",
    "user": "-u --user",
    "bearer": "--oauth2-bearer",
    "url": "--url",
    "other": "-o --output -A --user-agent -b --cookie -c --cookie-jar -e --referer -x --proxy -m"
    " --max-time --connect-timeout --cacert --capath -E --cert --key --resolve --connect-to -w"
    " --write-out --retry -D --dump-header --proxy-user -U --ciphers -K --config --interface"
    " --limit-rate --max-redirs --noproxy -r --range -y -Y -z --stderr --trace --trace-ascii"
    " --unix-socket --tls-max --aws-sigv4 --dns-servers --url-query",
}
VALUED = {name: use for use, names in OPTIONS.items() for name in names.split()}
LETTERS = "".join(name[1] for name in VALUED if name[1] != "-")
BUNDLE = re.compile(rf"-([^{LETTERS}]*)(?:([{LETTERS}])(.*))?", re.S)  # as in -sSXPOST
AFTER = ("|", "||", "&&", ";", ">", "2>", "&", "#")  # another command, or a file
VARIABLES = "The command has shell variables in it, whose values are not here."
HEADERS_ELSEWHERE = "Header lines come from a file that is not here."
BODY_ELSEWHERE = "The body comes from a file that is not here."
SEVERAL_URLS = "More than one URL: the first one counts."


def commands(text: str) -> Pasted | None:
    """The requests of the commands in a text, each with the answers printed after it."""
    if COMMAND.search(text) is None:
        return None
    text = re.sub(r"[\\`^][ \t]*\n", " ", text[:LONGEST])
    given = {name: value.strip("\"'") for name, value in GIVEN.findall(text)}
    found: list[Exchange] = []
    remarks: dict[str, None] = {}
    kinds = []
    marks = list(islice(COMMAND.finditer(text), MOST))
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    for mark, end in zip(marks, ends, strict=True):
        kinds.append(NAMES.get((mark["curl"] or "").lower(), "an HTTPie command"))
        command, printed = _apart(text[mark.end() : end])
        words = [
            VARIABLE.sub(lambda match: given.get(match[1] or match[2], match[0]), word)
            for word in _words(command)
        ]
        asked, told = _request(_as_curl(words, mark["httpie"]) if mark["httpie"] else words)
        if asked.request_headers or "://" in command or mark["httpie"]:
            found += _with_printed(asked, printed)
            remarks |= dict.fromkeys(told)
    if not found:
        return None
    several = len(kinds) > 1
    kind = f"a list of {kinds[0].partition(' ')[2]}s" if several else kinds[0]
    if any(one.status is not None for one in found):
        kind += f" with {'their' if several else 'its'} output"
    pasted = of_exchanges(kind, found, whole=HEADERS_ELSEWHERE not in remarks)
    return replace(pasted, remarks=(*pasted.remarks, *remarks))


def _apart(text: str) -> tuple[str, str]:
    """The command up to the end of its line, and what stands after it."""
    match = REST.match(text)
    end = match.end() if match else 0
    if text[end : end + 1] in ("'", '"', "\\"):  # a quote that is not closed
        gap = text.find("\n\n", end)
        end = len(text) if gap < 0 else gap
    return text[:end], text[end:]


def _with_printed(asked: Exchange, printed: str) -> Iterator[Exchange]:
    """The request with the answer that was printed, or the exchanges that `-v` showed.

    What only the command says is added: the scheme, the body, the request itself.
    """
    start = START.search(printed)
    shown = exchanges_in(printed[start.start() :]) if start else []
    if not shown:
        body = printed.strip() if json_value(printed) is not None else ""
        yield replace(asked, response_body=body)
    for number, one in enumerate(shown):
        if one.method:
            same = host_of("http:" + one.url) == host_of(asked.url)
            scheme = asked.url.partition("//")[0] if same and one.url.startswith("//") else ""
            body = one.request_body or (asked.request_body if one.method == asked.method else "")
            yield replace(one, url=scheme + one.url or asked.url, request_body=body)
        elif number == 0:
            request = {name: getattr(asked, name) for name in ("method", "url", "request_headers")}
            yield replace(one, request_body=asked.request_body, **request)
        else:
            yield one


def _words(text: str) -> list[str]:
    """The words of a command as a POSIX shell would split them; roughly those of cmd.exe, too."""
    text = text[:LONGEST_COMMAND]
    if '^"' in text:
        text = re.sub(r"\^(.)", r"\1", text)
    text = ANSI.sub(lambda match: shlex.quote(unescaped(match[1])), text)
    for end in ("", "'", '"'):  # a quote may not be closed where a paste was cut
        try:
            return shlex.split(text + end)
        except ValueError:
            continue
    return text.replace("'", " ").replace('"', " ").split()


def _request(words: list[str]) -> tuple[Exchange, list[str]]:
    """The request of the words after `curl`, and remarks on what is not in the command itself."""
    options = list(_options(words))

    def given(*uses: str) -> list[str]:
        return [value for name, value in options if VALUED.get(name, name) in uses]

    data = [(name, value) for name, value in options if VALUED.get(name) == "data"]
    files = [value for name, value in data if value.startswith("@") and name != "--data-raw"]
    body = "&".join(_parameter(name, value) for name, value in data if value not in files)
    whole = [one for one in given("url") if "://" in one]  # the others may be values of options
    url = next(iter(whole or given("url")), "")
    url = url if "://" in url or not url else f"http://{url}"
    default = "POST" if given("data", "form") else "PUT" if given("upload") else "GET"
    if given("-G", "--get"):
        url, body, default = f"{url}{'&' if '?' in url else '?'}{body}".rstrip("?"), "", "GET"
    elif given("-I", "--head"):
        default = "HEAD"
    headers = tuple(_header_lines(options))
    if body and "content-type" not in {name.lower() for name, _ in headers}:
        headers = (*headers, ("Content-Type", "application/x-www-form-urlencoded"))
    texts = (url, body, *(value for _, value in headers))
    elsewhere = {
        HEADERS_ELSEWHERE: any(value.startswith("@") for value in given("header")),
        BODY_ELSEWHERE: bool(files),
        SEVERAL_URLS: len(whole) > 1,
        VARIABLES: any(map(ELSEWHERE.search, texts)),
    }
    asked = replace(
        NOTHING, method=next(reversed(given("method")), default), url=url,
        request_headers=headers, request_body=body,
    )  # fmt: skip
    return asked, [remark for remark, holds in elsewhere.items() if holds]


def _parameter(name: str, value: str) -> str:
    """A part of the body; of `--data-urlencode` encoded."""
    if name != "--data-urlencode":
        return value
    key, equals, text = value.partition("=")
    quoted = quote_plus(text if equals else value, errors="replace")
    return f"{key}={quoted}" if equals else quoted


def _header_lines(options: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for name, value in options:
        use = VALUED.get(name)
        if use == "header" and ":" in value and value[0] != "@":
            line, _, text = value.partition(":")
            yield line.strip(), text.strip()
        elif use == "user":
            pair = value if ":" in value else f"{value}:"
            octets = base64.b64encode(pair.encode("utf-8", "replace"))
            yield "Authorization", f"Basic {octets.decode()}"
        elif use == "bearer":
            yield "Authorization", f"Bearer {value}"
        elif name == "--json":
            yield "Content-Type", "application/json"


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    """The options among the words after `curl`, each with its value; a URL is one of `--url`."""
    rest = iter(words)
    for word in rest:
        if word in AFTER:
            return
        if not word.startswith("-"):
            yield "--url", word
            continue
        name, given, value = word.partition("=")
        if not word.startswith("--") and (bundle := BUNDLE.fullmatch(word)):
            flags, letter, value = bundle[1], bundle[2] or "", bundle[3] or ""
            yield from ((f"-{flag}", "") for flag in flags)
            name, given = f"-{letter}", value
        if name in VALUED:
            yield name, value if given else next(rest, "")
        else:
            yield name, ""


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
