"""What a text is wrapped in: fences, quote marks, prompts, a logger's marks, lines of a program."""

import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import urlencode

from dpop_lab.doctor.paste.jwts import jwts_in
from dpop_lab.doctor.paste.pasted import Pasted, beside, placeholder, together
from dpop_lab.doctor.words import blamed
from dpop_lab.jose.encoding import read_json
from dpop_lab.session.call import NOTHING, Call, json_value
from dpop_lab.wire.message import Exchange

METHODS = r"(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)"
WORD = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
REQUEST_LINE = rf"^({WORD}) +(\S+) +HTTP/\d(?:\.\d)?[ \t]*$"
STATUS_LINE = r"^HTTP/\d(?:\.\d)? +(\d{3})(?: +([^\n]*))?$"
START = re.compile(f"{REQUEST_LINE}|{STATUS_LINE}", re.M)  # of a raw message
FIELD = re.compile(rf"({WORD})[ \t]*:[ \t]*(.*)")
COMMENT = re.compile(r"^[ \t]*(//|#|>|--(?!--)|;|\|)(?: |$)")
FENCE = re.compile(r"^[ \t>]*(?:```|~~~).*\n?", re.M)
FENCED = re.compile(r"^[ \t>]*```[^`]*(?:```|\Z)", re.M)
PROMPT = re.compile(r"[^<{\n]{0,100}[$%#>\u276f]\s*")
VERBOSE = re.compile(rf"^(?:> {WORD} \S+ HTTP/\d|< HTTP/\d)", re.M)  # what `curl -v` prints
NOTED = re.compile(r"^(?:\*.*|[{}] ?\[.*)\n?|^[<>](?: |$)", re.M)  # and puts around messages
OBJECT = re.compile(r"\{(?:[^{}]++|\{(?:[^{}]++|\{[^{}]*+\})*+\})*+\}")
APACHE = re.compile(r"http-outgoing-\d+ (?:>>|<<) ?(\"?)([^\n]*)")
WIRE = re.compile(r"\b(?:send|reply): b?(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\")")
SIDE = re.compile(r"\b(request|response) headers?\b\W*$", re.I)
CALL = re.compile(  # how a request begins, or a header of DPoP is set: one is enough
    r"""^[ \t]*(?:>>>[ ]|PS[^>\n]*>[ ]?)?(?:[\w$][\w$.:<>*, \t]*=[ ]*)?
      (?:return[ ]|await[ ]|new[ ])*
      (?:fetch\(|axios\b[.(]|\$\.ajax\(|XMLHttpRequest\(                # JavaScript
      |(?:requests|httpx|session|client|http)\.\w+\(                    # Python, Go
      |Http(?:Client|RequestMessage)\(|Http(?:Client|Request)\.new\w+\(  # C#, Java
      |(?i:Invoke-WebRequest|Invoke-RestMethod|iwr|irm)[ ](?!:))          # PowerShell
    |\.(?:headers?|addHeader|setHeader|setRequestHeader|set|Set|Add)
      \(\s*["'](?i:DPoP|Authorization)["']\s*,""",
    re.M | re.X,
)
STATEMENT = re.compile(  # a line that is nothing else than a statement: two are enough
    r"""^[ \t]*(?:>>>[ ])?(?:
      (?:(?:export|default|async|public|private|protected|internal|static|final)[ ])*(?:
        (?:const|let|var|val)[ ][^=\n]*=
        |(?:function|func|fn|fun|class|interface|namespace|record)\b[^\n]*[{;]$
        |(?:def|class)[ ]\w[^\n]*:$)
      |(?:public|private|protected|internal|static)[ ][^\n]*[{;]$
      |import[ ][^\n]*(?:["'];?|;)$ | import[ ][\w.]+$ | from[ ][\w.]+[ ]import[ ]
      |(?:using|package)[ ][\w.]+;?$ | \#include[ ] | <\?php
      |(?:return|await|throw|raise)[ ][^\n]*[({;]
      |(?:if|for|foreach|while|switch|catch)[ ]?\([^\n]*[{;)]$
      |[$\w][$\w.]*(?:,[ ]*\w+)*[ ]*:?=[ ]*(?:await[ ]|new[ ])?[$\w.]+\(
      |[$\w][$\w.]*(?:->[\w]+)*\([^\n]*\);$)""",
    re.M | re.X,
)
LINE = re.compile(  # what the lines of a program have, and the words of a server have not
    r"""[;{(,\[\\`]\s*$|^\s*(?:[)\]}"'`]|[\w-]+\s?[:=]\s*["'`])|[\w>\])]\(|\s(?:=>|->|[:!=+]?=+)\s"""
    r"""|^\s*(?:import|from|using|package|return|raise|throw|export|def|class|call|else|try)\b"""
)
FRAME = re.compile(r'^  File "[^"\n]*", line \d[^\n]*\n[^\n]*\n', re.M)  # of a traceback in Python
CODE_COMMENT = re.compile(r"^\s*(?://|#|/?\*|--(?!--))\s*")
BLOCK = re.compile(r'^[ \t]*(?:/\*.*?(?:\*/|\Z)|""".*?(?:"""|\Z))', re.M | re.S)
ANSWER = re.compile(r"""["']error["']\s*:\s*["']|\berror=["']""")
PAIR = re.compile(  # a name and a string, as in a call, an object, an assignment
    r"""(?<![\w-])([A-Za-z][\w-]{0,60})["'`]?\s*+(?:=>|[:=,])\s*+[furbFURB]{0,2}"""
    r"""(["'`])((?:\\.|(?!\2)[^\\\n])*+)\2"""
)
LONGEST_CODE = 100_000  # characters in which names and values are looked for
CODE = "source code of a program"
RUN_IT = (
    "Reading source code does not tell what it sends: run it against `dpop-lab serve --explain`,"
    " which shows what it really sends and what is wrong with that."
)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
MOST_MARKS = 5  # of mails quoted in mails


def unwrapped(text: str) -> str:
    """The text without quote marks and indentation, an empty line after each, a last prompt.

    What `curl -v` prints becomes raw messages, and each JSON object a line.
    """
    for _ in range(MOST_MARKS):
        if VERBOSE.search(text):
            text = NOTED.sub("", text)
        elif (bare := _uncommented(text)) != text:
            text = bare
        else:
            break
    text = text.replace("\\u0027", "'")  # as .NET writes an apostrophe in JSON
    text = re.sub(r"^###.*$", "", text, flags=re.M)  # between the requests of an .http file
    return OBJECT.sub(_one_line, _without_prompt(_single_spaced(_dedented(text))))


def fenced(text: str) -> str:
    """What stands in the Markdown fences of a text, one after the other; empty for none."""
    return "\n\n".join(map(textwrap.dedent, FENCE.split(text)[1::2]))


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


def _without_prompt(text: str) -> str:
    """Without the prompt that a terminal shows after what it printed."""
    body, _, last = text.rstrip().rpartition("\n")
    is_prompt = PROMPT.fullmatch(last) and not FIELD.match(last)
    return f"{body}\n" if body and is_prompt else text


def _one_line(found: re.Match[str]) -> str:
    """A JSON object within a text in one line; what only looks like one as it was."""
    text = found[0]
    within = "\n" in text and len(text) < len(found.string.strip())
    return text.replace("\n", " ") if within and read_json(text) is not None else text


# ---- source code: recognised, but not read for what it sends, which only a run shows


def is_code(text: str) -> bool:
    """Is there source code in a text, other than the lines that a traceback shows of it?"""
    bare = FRAME.sub("", text)
    return CALL.search(bare) is not None or len(STATEMENT.findall(bare)) > 1


def _code_and_printed(text: str) -> tuple[str, str]:
    """The lines of a text that are source code, and what was printed within or after it."""
    start = START.search(text)
    end = start.start() if start else len(text)
    code = BLOCK.sub(lambda block: block[0].replace("\n", "\n# "), text[:end])
    lines = code.split("\n")
    printed = [CODE_COMMENT.sub("", line) for line in lines if _is_printed(line)]
    return "\n".join(one for one in lines if not _is_printed(one)), "\n".join(
        [*printed, text[end:]]
    )


def _is_printed(line: str) -> bool:
    """Is it no line of a program, nor a comment, unless that quotes a server?"""
    if CODE_COMMENT.match(line) is None:
        return json_value(line) is not None or not LINE.search(line)
    said = Call(description=CODE_COMMENT.sub("", line))
    return bool(ANSWER.search(line) or blamed(said))


def source_code(text: str, read: Callable[[str], Pasted | None]) -> Pasted:
    """Source code with the JWTs in it, and what was printed; of what it sends nothing is said."""
    code, printed = _code_and_printed(text)
    own, said = jwts_in(code), read(printed)
    found = [one for one in (own, said) if one]
    if own and said and len(own.calls) == len(said.calls) == 1:
        [call] = said.calls
        if not (call.whole or call.proofs or call.token):
            found = [beside(own, said)]
    both = together(found)
    return replace(
        both,
        kind=CODE,
        remarks=(RUN_IT, *both.remarks),
        given=(_given(code),),
    )


def _given(code: str) -> Exchange:
    """The names and values in source code, each as a header line and as a parameter."""
    found = [(name, value) for name, _, value in PAIR.findall(code[:LONGEST_CODE])]
    pairs = tuple(one for one in found if not placeholder(one[1].rpartition(" ")[2]))
    return replace(NOTHING, url=f"?{urlencode(pairs, errors='replace')}", request_headers=pairs)
