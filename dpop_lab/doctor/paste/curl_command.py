"""A `curl` command taken apart into the request it would send; nothing is run or opened."""

import base64
import math
import re
import shlex
from dataclasses import dataclass, field
from urllib.parse import quote_plus

from dpop_lab.wire.message import Exchange

LONGEST = 100_000
HEADER = ("-H", "--header", "--proxy-header")
METHOD = ("-X", "--request", "--method")
DATA = (
    "-d --data --data-raw --data-ascii --data-binary --json --data-urlencode"
    " --post-data --body-data".split()
)
FORM = ("-F", "--form", "--form-string")
UPLOAD = ("-T", "--upload-file")
OTHERS = (
    "-o --output -A --user-agent -b --cookie -c --cookie-jar -e --referer -x --proxy -m --max-time"
    " --connect-timeout --cacert --capath -E --cert --key --resolve --connect-to -w --write-out"
    " --retry -D --dump-header --proxy-user -U --ciphers -K --config"
    " --interface --limit-rate --max-redirs --noproxy -r --range -y -Y -z --stderr --trace"
    " --trace-ascii --unix-socket --tls-max --aws-sigv4 --dns-servers --url-query".split()
)
VALUED = {*HEADER, *METHOD, *DATA, *FORM, *UPLOAD, *OTHERS}
VALUED |= {"-u", "--user", "--url", "--oauth2-bearer"}
ANSI = re.compile(r"\$'((?:[^'\\]|\\.)*)'", re.S)
ELSEWHERE = re.compile(r"\$\{?[A-Za-z_]\w*\}?|\$\(|`|%[A-Za-z_]\w*%")
HEADERS_ELSEWHERE = "Header lines come from a file that is not here."
AFTER = ("|", "||", "&&", ";", ">", "2>", "&", "#")  # another command, or a file


@dataclass(slots=True)
class _Request:
    url: str = ""
    method: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    get: bool = False
    default: str = "GET"


def request_of(words: list[str]) -> tuple[Exchange, tuple[str, ...]]:
    """The request of the words after `curl`, and remarks on what is not in the command itself."""
    made, words = _Request(), words[::-1]
    while words:
        word = words.pop()
        if word in AFTER:
            break
        _take(word, words, made)
    body = "&".join(made.data)
    if made.get and made.data:
        made.url, body = f"{made.url}{'&' if '?' in made.url else '?'}{body}", ""
    method = made.method or ("GET" if made.get else made.default)
    names = {name.lower() for name, _ in made.headers}
    if body and "content-type" not in names:
        made.headers.append(("Content-Type", "application/x-www-form-urlencoded"))
    url = made.url if "://" in made.url or not made.url else f"http://{made.url}"
    if any(ELSEWHERE.search(one) for one in (url, body, *(value for _, value in made.headers))):
        made.remarks.append("The command has shell variables in it, whose values are not here.")
    exchange = Exchange(method, url, tuple(made.headers), body, math.nan, math.nan)
    return exchange, tuple(dict.fromkeys(made.remarks))


def words_of(text: str) -> list[str]:
    """The words of a command as a POSIX shell would split them; roughly those of cmd.exe, too."""
    text = text[:LONGEST]
    if '^"' in text:
        text = re.sub(r"\^(.)", r"\1", text)
    text = ANSI.sub(lambda match: shlex.quote(unescaped(match[1])), text)
    for end in ("", "'", '"'):  # a quote may not be closed where a paste was cut
        try:
            return shlex.split(text + end)
        except ValueError:
            continue
    return text.replace("'", " ").replace('"', " ").split()


def unescaped(text: str) -> str:
    """A text with its backslash escapes resolved, as in C, a shell or Python."""
    named = {"n": "\n", "t": "\t", "r": "\r", "'": "'", '"': '"', "\\": "\\"}

    def one(match: re.Match[str]) -> str:
        if match[1]:
            return chr(int(match[1], 16))
        return named.get(match[2], match[2])

    return re.sub(r"\\(?:[uxU]([0-9a-fA-F]{2,4})|(.))", one, text, flags=re.S)


def _take(word: str, words: list[str], made: _Request) -> None:
    """One word of the command, with the value that belongs to it."""
    name, value = word, None
    if word.startswith("--") and "=" in word:
        name, _, value = word.partition("=")
    elif re.match(r"-[A-Za-z].", word) and not word.startswith("--"):
        name, value = _bundle(word, made)
    if name in VALUED and value is None:
        value = words.pop() if words else ""
    _apply(name, value or "", made)


def _bundle(word: str, made: _Request) -> tuple[str, str | None]:
    """The option with a value in a bundle such as `-sSXPOST`; those before it have none."""
    for position in range(1, len(word)):
        name = "-" + word[position]
        if name in VALUED:
            return name, word[position + 1 :] or None
        _apply(name, "", made)
    return "", None


def _apply(name: str, value: str, made: _Request) -> None:
    if name in HEADER:
        _header(value, made)
    elif name in METHOD:
        made.method = value
    elif name in DATA:
        _data(name, value, made)
    elif name in FORM or name in UPLOAD:
        made.default = "POST" if name in FORM else "PUT"
    elif name in ("-u", "--user"):
        user, _, password = value.partition(":")
        pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        made.headers.append(("Authorization", f"Basic {pair}"))
    elif name == "--oauth2-bearer":
        made.headers.append(("Authorization", f"Bearer {value}"))
    elif name in ("-G", "--get"):
        made.get = True
    elif name in ("-I", "--head"):
        made.method = made.method or "HEAD"
    elif name == "--url" or (name and not name.startswith("-")):
        _address(value if name == "--url" else name, made)


def _address(url: str, made: _Request) -> None:
    if "://" in url and "://" not in made.url:  # else the first was the value of some option
        made.url = url
    elif not made.url:
        made.url = url
    else:
        made.remarks.append("More than one URL: the first one counts.")


def _header(value: str, made: _Request) -> None:
    name, colon, text = value.partition(":")
    if value.startswith("@"):
        made.remarks.append(HEADERS_ELSEWHERE)
    elif colon:
        made.headers.append((name.strip(), text.strip()))


def _data(name: str, value: str, made: _Request) -> None:
    made.default = "POST"
    if value.startswith("@") and name != "--data-raw":
        made.remarks.append("The body comes from a file that is not here.")
        return
    if name == "--data-urlencode":
        key, equals, text = value.partition("=")
        value = f"{key}={quote_plus(text)}" if equals else quote_plus(value)
    if name == "--json":
        made.headers.append(("Content-Type", "application/json"))
    made.data.append(value)
