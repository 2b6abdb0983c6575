"""Commands in a text, curl and its like, each with what it printed; nothing is run or opened."""

import base64
import json
import math
import re
import shlex
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from urllib.parse import quote_plus

from dpop_lab.doctor.paste.pasted import MOST, Pasted, of_exchanges
from dpop_lab.doctor.paste.scan import scanned
from dpop_lab.doctor.paste.unwrap import METHODS, unescaped
from dpop_lab.session.answer import json_value
from dpop_lab.session.call import NOTHING
from dpop_lab.wire.message import Exchange, first
from dpop_lab.wire.syntax import signs_in

COMMAND = re.compile(
    rf"""^[^\n]{{0,300}}?\b(?P<curl>curl|wget)(?:\.exe)?[ \t]+(?=[-'"$^]|https?:|[\w.-]+[:/.])
    | ^[ \t]*(?:[$%>#][ \t]+)?(?P<httpie>https?|xhs?)[ \t]+
      (?=(?:-\S+[ \t]+){{0,9}}(?:{METHODS}[ \t]+\S|https?://|:[\d/]|[\w-]+(?:\.[\w-]+)+[/ :]))""",
    re.M | re.X,
)
REST = re.compile(  # of a command; a quote that is not closed ends at an empty line
    r"""(?:[^\\'"\n]+|\\.|'[^']*'|"(?:[^"\\]|\\.)*"|\n[ \t]*(?=--?[A-Za-z])
    |['"\\](?:[^\n]|\n(?!\n))*)*+""",
    re.S | re.X,
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
IN_PROSE = "It is a sentence about a command."
SEVERAL_URLS = "More than one URL: the first one counts."


def commands(text: str) -> Pasted | None:
    """The requests of the commands in a text, each with the answers printed after it."""
    text = re.sub(r"[\\`^][ \t]*\n", " ", text)
    if COMMAND.search(text) is None:
        return None
    given = {name: value.strip("\"'") for name, value in GIVEN.findall(text)}
    marks = list(islice(COMMAND.finditer(text), MOST))
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    found: list[Exchange] = []
    remarks: dict[str, None] = {}
    for mark, end in zip(marks, ends, strict=True):
        rest = REST.match(text, mark.end(), end)
        command = rest[0] if rest else ""
        words = [
            VARIABLE.sub(lambda match: given.get(match[1] or match[2], match[0]), word)
            for word in _words(command)
        ]
        asked, told = _request(_httpie(words, mark["httpie"]) if mark["httpie"] else _curl(words))
        if IN_PROSE not in told and (asked.request_headers or "://" in command or mark["httpie"]):
            found += _with_printed(asked, text[mark.end() + len(command) : end])
            remarks |= dict.fromkeys(told)
    if not found:
        return None
    asked = found[0]
    answers, sent_on = _apart(text[: marks[0].start()])  # before the command
    for answer in [] if asked.status or asked.response_body else answers[-1:]:
        found[0] = replace(
            answer,
            method=asked.method,
            url=asked.url,
            request_headers=asked.request_headers,
            request_body=asked.request_body,
        )
    kind = NAMES.get((marks[0]["curl"] or "").lower(), "an HTTPie command")
    kind += " with its output" * any(one.status is not None for one in found)
    pasted = of_exchanges(kind, [*sent_on, *found], whole=HEADERS_ELSEWHERE not in remarks)
    return replace(pasted, remarks=(*pasted.remarks, *remarks))


def _with_printed(asked: Exchange, printed: str) -> Iterator[Exchange]:
    """The request with the answer that was printed, or the exchanges that `-v` showed.

    What only the command says is added: the scheme, the body, the request itself.
    """
    *before, last = printed.rstrip().split("\n")
    if "HTTP/" not in printed and last.isdecimal() and len(last) == 3:  # by -w "%{http_code}"
        printed = "\n".join([f"\nHTTP/1.1 {last}\n", *before])
    body = printed.strip() if json_value(printed) is not None else ""
    (shown, sent_on), at = ([], []) if body else _apart(printed), asked.url
    for number, one in enumerate(shown or [replace(NOTHING, response_body=body)]):
        if number and not one.method:
            yield one
            continue
        same = one.method in ("", asked.method)
        names = {name.lower() for name, _ in one.request_headers}
        more = (pair for pair in asked.request_headers if pair[0].lower() not in names)
        yield replace(
            one,
            method=one.method or asked.method,
            url=at.partition("//")[0] + one.url if one.url.startswith("//") else one.url or at,
            request_headers=(*one.request_headers, *more),
            request_body=one.request_body or (asked.request_body if same else ""),
        )
        to = first(one.response_headers, "Location")
        at = to if to.startswith("http") else at
    yield from sent_on


def _apart(text: str) -> tuple[list[Exchange], list[Exchange]]:
    """What a text tells of, and apart from it what signs somebody in by the browser."""
    told = [one for one, _ in scanned(text)]
    sent_on = [one for one in told if signs_in(one.url)]
    return [one for one in told if one not in sent_on], sent_on


def _words(text: str) -> list[str]:
    """The words of a command as a POSIX shell would split them; roughly those of cmd.exe, too."""
    if '^"' in text:
        text = re.sub(r"\^(.)", r"\1", text)
    text = ANSI.sub(lambda match: shlex.quote(unescaped(match[1])), text)
    for end in ("", "'", '"'):  # a quote may not be closed where a paste was cut
        try:
            return shlex.split(text + end)
        except ValueError:
            continue
    return text.replace("'", " ").replace('"', " ").split()


def _request(options: list[tuple[str, str]]) -> tuple[Exchange, list[str]]:
    """The request of curl's options, and remarks on what is not in the command itself."""
    given = defaultdict[str, list[str]](list)
    for use, value in _by_use(options):
        given[use].append(value)
    uses = set(given)
    lines = [line.partition(":") for line in given["header"] if line[:1] != "@"]
    headers = [(name.strip(), text.strip()) for name, colon, text in lines if colon]
    body = "&".join(given["data"])
    whole = [one for one in given["url"] if "://" in one]  # the others may be values of options
    url = next(iter(whole or given["url"]), "")
    url = url if "://" in url or not url else f"http://{url}"
    method = "POST" if uses & {"data", "form", "file"} else "GET"
    if "upload" in uses:
        method = "PUT"
    if uses & {"-G", "--get"}:
        method, body, url = "GET", "", f"{url}{'&' if '?' in url else '?'}{body}".rstrip("?")
    elif uses & {"-I", "--head"}:
        method = "HEAD"
    if body and "content-type" not in {name.lower() for name, _ in headers}:
        headers.append(("Content-Type", "application/x-www-form-urlencoded"))
    elsewhere = {
        HEADERS_ELSEWHERE: len(lines) < len(given["header"]),
        BODY_ELSEWHERE: "file" in uses,
        SEVERAL_URLS: len(whole) > 1,
        IN_PROSE: len(given["url"]) > 1 and any(map(str.isalpha, given["url"])),
        VARIABLES: any(map(ELSEWHERE.search, (url, body, *(text for _, text in headers)))),
    }
    method = [method, *given["method"]][-1]
    asked = Exchange(method, url, tuple(headers), body, math.nan, math.nan)
    return asked, [remark for remark, holds in elsewhere.items() if holds]


def _by_use(options: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """What each option is for; a login is a header line, and so is what `--json` says."""
    for name, value in options:
        use = VALUED.get(name, name)
        if use == "user":
            octets = (value if ":" in value else f"{value}:").encode("utf-8", "replace")
            use, value = "header", f"Authorization: Basic {base64.b64encode(octets).decode()}"
        elif use == "bearer":
            use, value = "header", f"Authorization: Bearer {value}"
        elif use == "data" and value[:1] == "@" and name != "--data-raw":
            use = "file"
        elif name == "--data-urlencode":
            text = value[value.find("=") + 1 :]
            value = value.removesuffix(text) + quote_plus(text, errors="replace")
        elif name == "--json":
            yield "header", "Content-Type: application/json"
        yield use, value


def _curl(words: list[str]) -> list[tuple[str, str]]:
    """The options among the words after `curl`, each with its value; a URL is one of `--url`."""
    options, rest = [], iter(words)
    for word in rest:
        if word in AFTER:
            break
        name, given, value = word.partition("=")
        bundle = None if word.startswith("--") else BUNDLE.fullmatch(word)
        if not word.startswith("-"):
            name, given, value = "--url", word, word
        elif bundle:
            options += [(f"-{flag}", "") for flag in bundle[1]]
            name, given, value = f"-{bundle[2] or ''}", bundle[3] or "", bundle[3] or ""
        options.append((name, value if given or name not in VALUED else next(rest, "")))
    return options


def _httpie(words: list[str], tool: str) -> list[tuple[str, str]]:
    """The words of an HTTPie command as options of curl."""
    form = "-f" in words or "--form" in words
    options, data, url = [], {}, ""
    for word in words:
        item = ITEM.fullmatch(word)
        if re.fullmatch(METHODS, word) and not url:
            options.append(("--request", word))
        elif word.startswith("-"):
            continue
        elif not url:
            whole = f"localhost{word}" if word.startswith(":") else word
            url = whole if "://" in word or tool[-1] != "s" else f"https://{whole}"
        elif item and item[2] == ":":
            options.append(("--header", f"{item[1]}: {item[3]}"))
        elif item and item[2] == "==":
            url += f"{'&' if '?' in url else '?'}{item[1]}={item[3]}"
        elif item:
            data[item[1]] = item[3]
    if form:
        options += [("--data-urlencode", f"{name}={value}") for name, value in data.items()]
    elif data:
        options.append(("--json", json.dumps(data)))
    return [*options, ("--url", url)]
