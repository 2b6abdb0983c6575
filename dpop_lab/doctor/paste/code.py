"""Source code: recognised, but not read for what it sends, which only a run shows."""

import re
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlencode

from dpop_lab.doctor.paste.jwts import JWT, is_refresh
from dpop_lab.doctor.paste.notation import objects_in
from dpop_lab.doctor.paste.pasted import Pasted, not_understood, placeholder
from dpop_lab.doctor.paste.raw import json_text
from dpop_lab.doctor.paste.refusals import TESTED
from dpop_lab.doctor.paste.unwrap import START
from dpop_lab.doctor.paste.values import exchange_in
from dpop_lab.doctor.policy_words import blamed
from dpop_lab.session.answer import json_value
from dpop_lab.session.call import NOTHING, Call
from dpop_lab.wire.labels import LONG
from dpop_lab.wire.message import Exchange

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
      |(?:def|class|module)[ ]\w[\w.]*(?:\([^\n]*\))?$ | end$         # Ruby
      |(?:assert|expect|console|self|this)\b[\w.]*\([^\n]*\)$
      |[$\w][$\w.]*(?:->[\w]+)*\([^\n]*\);$)""",
    re.M | re.X,
)
LINE = re.compile(  # what the lines of a program have, and the words of a server have not
    r"""[;{(,\[\\`]\s*$|^\s*(?:[)\]}"'`]|[\w-]+\s?[:=]\s*["'`])|[\w>\])]\(|\s(?:=>|->|[:!=+]?=+)\s"""
    r"""|^\s*(?:import|from|using|package|return|raise|throw|export|def|class|call|else|try)\b"""
)
ONE_HEADER = re.compile(  # that was asked for at a prompt, and what it is
    r"""^>{1,3}[ ].{0,200}?headers\b.{0,20}[\[(](["'])([\w-]{2,40})\1[\])][ \t]*\n"""
    r"""(["']?)(.{1,2000}?)\3$""",
    re.M,
)
FRAME = re.compile(r'^  File "[^"\n]*", line \d[^\n]*\n[^\n]*\n', re.M)  # of a traceback in Python
CODE_COMMENT = re.compile(r"^\s*(?://|#|/?\*|--(?!--))\s*")
BLOCK = re.compile(r'^[ \t]*(?:/\*.*?(?:\*/|\Z)|""".*?(?:"""|\Z))', re.M | re.S)
ANSWER = re.compile(r"""["']error["']\s*:\s*["']|\berror=["']""")
PAIR = re.compile(  # a name and a string, as in a call, an object, an assignment
    r"""(?<![\w-])([A-Za-z][\w-]{0,60})["'`]?\s*+(?:=>|[:=,])\s*+[furbFURB]{0,2}"""
    r"""(["'`])((?:\\.|(?!\2)[^\\\n])*+)\2"""
)
HEADER = (  # a name of a secret one, as a header line or a variable has it
    r"(?:(?:proxy|set)[-_]?)?(?:authorization|cookie)|(?:x[-_]?)?(?:api|auth)[-_]?(?:key|token)"
    r"|client[-_]?secret"
)
STRINGS = re.compile(  # each string of a line, with the name of a secret header behind it
    rf"""(["'`])(?P<value>(?:\\.|(?!\1)[^\\\n])*+)(?:\1
    (?:\s*+[,:]\s*+(?:\w{{1,30}}\s*+[:=]\s*+)?["'`.]?(?:\w{{1,30}}\.)?
    (?P<name>{HEADER})(?![\w-]))?+)?+""",
    re.I | re.X,
)
AFTER_NAME = re.compile(
    rf"""(?<![\w-])(?P<name>{HEADER}|dpop|bearer)["'`]?\s*+(?:=>|[:=,])\s*+
    (["'`])(?P<value>(?:\\.|(?!\2)[^\\\n])*+)\2""",
    re.I | re.X,
)
READ = 200_000  # characters in which names and their values are looked for
CODE = "source code of a program"
RUN_IT = (
    "Reading source code does not tell what it sends: run it against `dpop-lab serve --explain`,"
    " which shows what it really sends and what is wrong with that."
)


def is_code(text: str) -> bool:
    """Is there source code in a text, other than the lines that a traceback shows of it?"""
    bare = FRAME.sub("", text)
    if TESTED.search(bare):  # what a test printed, with lines of it
        return False
    return CALL.search(bare) is not None or len(STATEMENT.findall(bare)) > 1


def _printed(text: str) -> tuple[str, str]:
    """What was printed in a text that is source code, and the JWTs in it; then the code itself."""
    text = ONE_HEADER.sub(r"\2: \4", text)
    for at, after, value in reversed([*objects_in(text)]):  # an answer over several lines
        told = exchange_in(value) if text[:at].endswith(("\n", "# ", "// ")) else None
        if told and told.response_body and not told.request_headers:
            text = f"{text[:at]}{json_text(value)}{text[after:]}"
    start = START.search(text)
    end = start.start() if start else len(text)
    lines = BLOCK.sub(lambda block: block[0].replace("\n", "\n# "), text[:end]).split("\n")
    printed = [_is_printed(one) for one in lines]
    both = [*zip(lines, printed, strict=True)]
    shown = [_uncommented(line) if said else _jwts(line) for line, said in both]
    return "\n".join([*shown, text[end:]]), "\n".join(line for line, said in both if not said)


def _jwts(line: str) -> str:
    """The JWTs in a line of a program, a refresh token with its name."""
    return " ".join("refresh_token: " * is_refresh(one) + one[0] for one in JWT.finditer(line))


def _uncommented(line: str) -> str:
    return CODE_COMMENT.sub("", line)


def _is_printed(line: str) -> bool:
    """Is it no line of a program, nor a comment, unless that quotes a server?"""
    if "→" in line or "⇒" in line:  # a note of what came of it
        return True
    if CODE_COMMENT.match(line) is None:
        return json_value(line) is not None or not LINE.search(line)
    said = Call(description=_uncommented(line))
    return bool(ANSWER.search(line) or blamed(said))


def source_code(text: str, read: Callable[[str], Pasted | None]) -> Pasted:
    """Source code with the JWTs in it, and what was printed; of what it sends nothing is said."""
    printed, code = _printed(text)
    said = read(printed) or not_understood(CODE)
    return replace(said, kind=CODE, remarks=(RUN_IT, *said.remarks), given=(_given(code),))


def secrets_given(text: str) -> Exchange:
    """The secret header lines that a text of any kind gives by their names, as some program has it.

    The value may stand before its name, as in Swift.
    """
    pairs = []
    text = text[:READ]
    for one in (*STRINGS.finditer(text), *AFTER_NAME.finditer(text)):
        name, value = one["name"] or "", one["value"]
        if name.lower() in ("dpop", "bearer") and not JWT.match(value):
            name, value = "Authorization", f"{name} {value}"  # a scheme with its token
        header = re.sub(r"(?<=[a-z])[-_]?(?=authorization|cookie)", "-", name.lower())
        if name and len(value) >= LONG and re.search(r"[\d=]", value):
            pairs.append((header.replace("_", "-"), value))
    return replace(NOTHING, request_headers=tuple(pairs))


def _given(code: str) -> Exchange:
    """The names and values in source code, each as a header line and as a parameter."""
    found = [(name, value) for name, _, value in PAIR.findall(code)]
    pairs = tuple(one for one in found if not placeholder(one[1].rpartition(" ")[2]))
    return replace(NOTHING, url=f"?{urlencode(pairs, errors='replace')}", request_headers=pairs)
