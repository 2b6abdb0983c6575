"""A `curl` command taken apart into the request it would send; nothing is run or opened."""

import base64
import math
import re
import shlex
from dataclasses import dataclass, field
from urllib.parse import quote_plus

from dpop_lab.client.exchange import Exchange

COMMAND = re.compile(r"\A\s*(?:[$%>#]\s+)?(?:sudo\s+)?curl(?:\.exe)?\s", re.I)
LONGEST = 100_000
HEADER = ("-H", "--header", "--proxy-header")
METHOD = ("-X", "--request")
DATA = ("-d", "--data", "--data-raw", "--data-ascii", "--data-binary", "--json", "--data-urlencode")
OTHERS = (
    "-o --output -A --user-agent -b --cookie -c --cookie-jar -e --referer -x --proxy -m --max-time"
    " --connect-timeout --cacert --capath -E --cert --key --resolve --connect-to -w --write-out"
    " --retry -F --form -T --upload-file -D --dump-header --proxy-user -U --ciphers -K --config"
    " --interface --limit-rate --max-redirs --noproxy -r --range -y -Y -z --stderr --trace"
    " --trace-ascii --unix-socket --tls-max --aws-sigv4 --dns-servers --url-query".split()
)
ANSI = re.compile(r"\$'((?:[^'\\]|\\.)*)'", re.S)
ELSEWHERE = re.compile(r"\$\{?[A-Za-z_]\w*\}?|\$\(|`|%[A-Za-z_]\w*%")


@dataclass(slots=True)
class _Request:
    url: str = ""
    method: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    get: bool = False


def is_curl(text: str) -> bool:
    """Does the text begin as a curl command does?"""
    return bool(COMMAND.match(text))


def read_curl(text: str) -> tuple[Exchange, tuple[str, ...]]:
    """The request of a curl command, and remarks on what is not in the command itself."""
    made = _Request()
    words = _words(text[:LONGEST])
    while words:
        word = words.pop(0)
        if word in ("|", "||", "&&", ";", ">", "2>", "&"):
            break
        _take(word, words, made)
    body = "&".join(made.data)
    if made.get and body:
        made.url, body = f"{made.url}{'&' if '?' in made.url else '?'}{body}", ""
    method = made.method or ("POST" if body else "GET")
    names = {name.lower() for name, _ in made.headers}
    if body and "content-type" not in names:
        made.headers.append(("Content-Type", "application/x-www-form-urlencoded"))
    url = made.url if "://" in made.url or not made.url else f"http://{made.url}"
    if any(ELSEWHERE.search(one) for one in (url, body, *(value for _, value in made.headers))):
        made.remarks.append("The command has shell variables in it, whose values are not here.")
    exchange = Exchange(method, url, tuple(made.headers), body, math.nan, math.nan)
    return exchange, tuple(dict.fromkeys(made.remarks))


def _words(text: str) -> list[str]:
    """The words as a POSIX shell, or roughly as cmd.exe or PowerShell, would split them."""
    if '^"' in text:
        text = re.sub(r"\^(.)", r"\1", re.sub(r"\^\n", " ", text))
    text = re.sub(r"[\\`^]\n", " ", text)
    text = ANSI.sub(lambda match: shlex.quote(_unescaped(match[1])), text)
    try:
        words = shlex.split(COMMAND.sub("", text, count=1))
    except ValueError:  # a quote that is not closed
        words = COMMAND.sub("", text, count=1).replace("'", " ").replace('"', " ").split()
    return words


def _unescaped(text: str) -> str:
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
    wants = name in (*HEADER, *METHOD, *DATA, *OTHERS, "-u", "--user", "--url", "--oauth2-bearer")
    if wants and value is None:
        value = words.pop(0) if words else ""
    _apply(name, value or "", made)


def _bundle(word: str, made: _Request) -> tuple[str, str | None]:
    """The option with a value in a bundle such as `-sSXPOST`; those before it have none."""
    for position in range(1, len(word)):
        name = "-" + word[position]
        if name in (*HEADER, *METHOD, *DATA, *OTHERS, "-u"):
            return name, word[position + 1 :] or None
        _apply(name, "", made)
    return "", None


def _apply(name: str, value: str, made: _Request) -> None:
    if name in HEADER:
        key, colon, text = value.partition(":")
        if value.startswith("@"):
            made.remarks.append("Header lines come from a file that is not here.")
        elif colon:
            made.headers.append((key.strip(), text.strip()))
    elif name in METHOD:
        made.method = value
    elif name in DATA:
        _data(name, value, made)
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
    elif name == "--url" or (name and not name.startswith("-") and not made.url):
        made.url = value if name == "--url" else name
    elif name and not name.startswith("-"):
        made.remarks.append("More than one URL: the first one counts.")


def _data(name: str, value: str, made: _Request) -> None:
    if value.startswith("@"):
        made.remarks.append("The body comes from a file that is not here.")
        return
    if name == "--data-urlencode":
        key, equals, text = value.partition("=")
        value = f"{key}={quote_plus(text)}" if equals else quote_plus(value)
    if name == "--json":
        made.headers.append(("Content-Type", "application/json"))
    made.data.append(value)
