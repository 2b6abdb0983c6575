"""What a text is wrapped in: fences, quote marks, prompts, a logger's marks."""

import re
import textwrap
from collections.abc import Iterator
from urllib.parse import urlencode

from dpop_lab.session.answer import json_value

METHODS = r"(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)"
WORD = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
REQUEST_LINE = rf"^({WORD}) +(\S+) +HTTP/\d(?:\.\d)?[ \t]*$"
STATUS_LINE = r"^HTTP/\d(?:\.\d)? +(\d{3})(?: +([^\n]*))?$"
START = re.compile(f"{REQUEST_LINE}|{STATUS_LINE}", re.M)  # of a raw message
ESCAPED = re.compile(r"\{\\+\"|\\r\\n")  # an object in a text in quotes, a message in a line
FIELD = re.compile(rf"({WORD})[ \t]*:[ \t]*(.*)")
COMMENT = re.compile(r"^[ \t]*(//|#|>|--(?!--)|;|\|)(?: |$)")
FENCE = re.compile(r"^[ \t>]*(?:```|~~~).*\n?", re.M)
QUOTED = re.compile(r'^[ \t]*"(?=[^\n]*\\["n])((?:[^"\\\n]|\\.)++)"[ \t]*$', re.M)  # a text as JSON
VERBOSE = re.compile(rf"^(?:> {WORD} \S+ HTTP/\d|< HTTP/\d)", re.M)  # what `curl -v` prints
NOTED = re.compile(r"^(?:\*.*|[{}] ?\[.*)\n?|^[<>](?: |$)", re.M)  # and puts around messages
PEER = re.compile(r"^\* +Connected to ([\w.-]+) .*port 443\b", re.M)
PATH = re.compile(rf"^({WORD}) (/\S*) HTTP/", re.M)
APACHE = re.compile(r"http-outgoing-\d+ (?:>>|<<) ?(\"?)([^\n]*)")
ESCAPED = re.compile(r"\{\\+\"|\\r\\n")  # an object in a text in quotes, a message in a line
WIRE = re.compile(r"\b(?:send|reply): b?(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\")")
VARNISH = re.compile(r"^[-*]+[ \t]+(?:Bereq|Beresp|Req|Resp)(Method|URL|Header|Status)[ \t]+", re.M)
PARTS = {"Method": "method: ", "URL": "path: ", "Status": "status: ", "Header": ""}
IN_LISTS = re.compile(  # a value in a list of one, or with its name: in YAML, as Swift prints it
    r"^([ \t]*[\"\w-]{1,60}[ ]?[:=])[ \t]*\(?\n[ \t]*(?:-[ \t]+|code:[ \t]+|(?=\"))(?=\S)", re.M
)
BROKEN = re.compile(  # a JWT over several lines, as a mail or a terminal breaks it
    r"(?<![\w.-])ey[\w-]{20}[\w.-]*+(?:\n[> \t]*+(?!ey)[\w.-]++(?=[ \t]*$))++", re.M
)
WHOLE, SIGNATURE = 2, 86  # dots of a JWT, characters of the shortest signature
SIDE = re.compile(r"\b(request|response) headers?\b\W*$", re.I)
LOGS = {  # a log, and what gives it away; the first that fits
    "a session log": "^---- (?:Sending|Received|Failed).*----[ \t]*$",
    "HTTP/2 header lines": r"^[ \t]*:(?:method|status|path): ",
    "headers copied from a browser": r"^[ \t]*Request (?:URL|Method)\b",
    "an Apache HttpClient log": r"http-outgoing-\d+ (?:>>|<<)",
    "a Python http.client log": r"\bsend: b['\"]|\breply: ['\"]HTTP/",
    "an OkHttp log": rf"--> {METHODS} |<-- \d{{3}}",
    "a .NET HTTP log": "Sending HTTP request|Request starting HTTP|RequestUri: '|ReasonPhrase: '",
    "an access log": r"\" \d{3} (?:\d+|-)",
    "a request as .http files have it": rf"^{METHODS} +\S+ *$",
}
KINDS = {kind: re.compile(mark, re.M) for kind, mark in LOGS.items()}
ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
FETCH = re.compile(  # as a browser copies a request
    r'(?:await )?fetch\("(https?://[^"\s]{1,2000})", ?\{'
    r'(?=\s*"(?:headers|referrer|body|method|credentials)":)'
)
MOST_MARKS = 5  # of mails quoted in mails
MAP = re.compile(r"\{[^{}\n]*+\}")
PAIR = re.compile(r"\b(\w{1,60}+)=\[([^\[\]\n]*+)\]")


def unwrapped(text: str) -> str:
    """The text without quote marks and indentation, an empty line after each.

    What `curl -v` prints becomes raw messages.
    """
    for _ in range(MOST_MARKS):
        if VERBOSE.search(text):
            peers = {*PEER.findall(text)}
            text = NOTED.sub("", text)
            if len(peers) == 1:  # a request line does not tell that it was https
                text = PATH.sub(rf"\1 https://{peers.pop()}\2 HTTP/", text)
        elif (bare := QUOTED.sub(lambda line: unescaped(line[1]), _uncommented(text))) != text:
            text = bare
        else:
            break
    if '"method": "' in text:
        text = FETCH.sub(r'{"url": "\1", ', text)
    text = VARNISH.sub(lambda line: PARTS[line[1]], text)
    text = text.replace("\\u0027", "'")  # as .NET writes an apostrophe in JSON
    text = re.sub(r"^###.*$", "", text, flags=re.M)  # between the requests of an .http file
    text = re.sub(r"\n[ \t]*+(?=[?&][\w.-]{1,60}=)", "", text)  # of a URL, a parameter in each line
    text = BROKEN.sub(_in_one_piece, IN_LISTS.sub(r"\1 ", text))
    return _single_spaced(_dedented(text))


def _in_one_piece(found: re.Match[str]) -> str:
    """A JWT without its line breaks; lines of other lengths are not one."""
    begin, *lines = (line.strip("> \t") for line in found[0].split("\n"))
    text, width = "".join((begin, *lines)), len(lines[0])
    even = all(len(one) == width for one in lines[:-1]) and len(lines[-1]) <= width
    whole = begin.count(".") == WHOLE and len(begin.rpartition(".")[2]) >= SIGNATURE
    return text if even and not whole and text.count(".") == WHOLE else found[0]


def unescaped(text: str) -> str:
    """A text with its backslash escapes resolved, as in C, a shell or Python."""

    def one(match: re.Match[str]) -> str:
        return chr(int(match[1], 16)) if match[1] else ESCAPES.get(match[2], match[2])

    return re.sub(r"\\(?:[uxU]([0-9a-fA-F]{2,4})|(.))", one, text, flags=re.S)


def logged_lines(text: str) -> Iterator[str]:
    """The lines of a log without what certain libraries and browsers put around them."""
    if (start := re.search(r"^Request URL:?\n", text, re.M)) is not None:
        text = "\n".join(_named_lines(text[start.start() :].split("\n")))
    bare = re.search(r"http-outgoing-\d+ (?:>>|<<) [^\"\n]", text) is not None
    for line in text.split("\n"):
        apache, wire = APACHE.search(line), WIRE.search(line)
        if apache is not None:
            if not (bare and apache[1]):  # a logger of octets beside one of header lines
                yield apache[2].rstrip(' "').removesuffix("[\\n]").removesuffix("[\\r]")
        elif wire is not None:
            octets = unescaped(wire[1] or wire[2] or "").replace("\r", "")
            yield from octets.removesuffix("\n").split("\n")
        elif line.strip() or "http-outgoing-" not in text:
            yield re.sub(r"^\s*header: ", "", line)


def _named_lines(lines: list[str]) -> Iterator[str]:
    """A browser's names and values, each in a line of its own, put together."""
    rest = iter(lines)
    for name in rest:
        bare = name.strip().rstrip(":")
        yield name if not bare or SIDE.search(bare) else f"{bare}: {next(rest, '').strip()}"


def _uncommented(text: str) -> str:
    """The text without the comment mark that stands before every line of it, if one does."""
    full = [line.lstrip(" \t") for line in text.split("\n") if line.strip()]
    cut = 1 if full and START.match(full[0]) else 0  # its mark, with care
    first = COMMENT.match(full[cut]) if len(full) > 1 else None
    mark = first[1] if first else ""
    if not mark or not all(line.startswith(mark) for line in full[cut:]):
        return text
    return re.sub(rf"^[ \t]*{re.escape(mark)} ?", "", text, flags=re.M)


def _dedented(text: str) -> str:
    """Without the indentation of all lines, or of all but the first, which was cut with care."""
    first, _, rest = text.strip("\n").partition("\n")
    if START.match(first) and rest.startswith((" ", "\t")):
        bare = textwrap.dedent(rest)
        return f"{first}\n{bare}" if FIELD.match(bare) else text
    return textwrap.dedent(text) if text.lstrip("\n")[:1] in (" ", "\t") else text


def _single_spaced(text: str) -> str:
    """Without the empty line after each line, where there is one after each."""
    lines = text.strip("\n").split("\n")
    kept = lines[::2]
    if len(kept) < 3 or any(map(str.strip, lines[1::2])) or not FIELD.match(kept[1]):
        return text
    return "\n".join(kept)


def kind_of_log(text: str) -> str:
    """What kind of log it is, in words."""
    return next((one for one in KINDS if KINDS[one].search(text)), "a log of HTTP messages")


def forms_sent(text: str) -> str:
    """A text with the forms in it that a program has printed as maps of lists, as they are sent."""
    return MAP.sub(_as_form, text)


def _as_form(printed: re.Match[str]) -> str:
    return urlencode(PAIR.findall(printed[0])) if "grant_type=[" in printed[0] else printed[0]


def without_escapes(line: str) -> str:
    """A line with the objects that stand in quotes in it; one that is JSON needs no help."""
    return unescaped(line) if ESCAPED.search(line) and json_value(line) is None else line
