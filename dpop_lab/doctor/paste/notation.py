"""Objects in any text: as JSON has them, as programs print them, as people shorten them."""

import json
import re
from collections.abc import Iterator
from typing import Any

from dpop_lab.jose.encoding import MAX_DEPTH, deeper, read_json, whole_number

MOST, DEEPEST = 1000, 12  # objects of one text, levels of one that is no JSON
LONGEST, EFFORT = 20_000, 400_000  # characters of one that is no JSON, of all attempts at these
DECODER = json.JSONDecoder(parse_int=whole_number)
NAME = r"(?:\"[^\"\n]{1,80}\"|'[^'\n]{1,80}'|:?[A-Za-z_$][\w.$+-]{0,60})"
START = re.compile(  # of an object; what stands before it, such as a type, is no part of it
    rf"""\{{(?=\s*(?:["'`}}<\[]|//|:?\w+["'`]?\s*[:=,]))     # JSON, JavaScript, Java, Ruby, Go
    | \[(?=\s*{NAME}\s*(?:=>|:\s*(?![\s:/]))) | (?<=\bmap)\[(?=[\w"-]+:)  # Swift, PHP, Go
    | (?<=[a-z])\((?={NAME}=(?!=)) | \((?=\s*\[{NAME}\][ ]=>)  # Python, Kotlin; print_r of PHP""",
    re.X,
)
PAIR = r"[A-Za-z_][\w.-]{0,60}=(?:\"(?:[^\"\\\n]|\\.)*+\"|[^\s\"]*+)"
PAIRS = re.compile(rf"(?<![^\s|]){PAIR}(?:[ \t]+{PAIR}){{2,60}}+(?=[ \t]*$)", re.M)  # logfmt
NODE = re.compile(  # which server of several wrote a line, before the level
    r"^\S{0,40}\d\d:\d\d:\d\d\S{0,20}[ ]{1,4}([A-Za-z][\w.-]{0,60})[ ]+"
    r"\[?(?:TRACE|DEBUG|INFO|WARN|ERR)"
)
IN_PAIRS = re.compile(r"(?<!\S)([\w.-]{1,61}+)=(?:\"((?:[^\"\\]|\\.)*+)\"|(\S*))")
OF_LINES = {"level", "lvl", "severity", "msg", "message", "event", "ts", "time", "method", "status"}
GAP = re.compile(r"(?:[\s,;]|//[^\n]*|/\*(?:[^*]|\*(?!/))*\*/|\#[^\n]*|\.\.\.|…)*+")
STRING = re.compile(r"([\"'`])((?:\\.|(?!\1)[^\\])*+)\1", re.S)
CUT = re.compile(  # a text whose end is missing, as programs shorten it, or with all that follows
    r'"((?:\\.|[^"\\\n])*+)(?:(?<=\.\.\.)|(?<=\.\.\.\))|(?<= bytes\)\])|(?<=…)|\Z)[ \t]*(?=\n|\Z)'
)
KEY = re.compile(r"\[[\"']?([\w.$@+-]+)[\"']?\]|:?([\w.$@+-]+)")
SIGN = re.compile(r"\s*(=>|[:=])\s*")
TYPE = re.compile(  # before a value: &Token{, Array\n(, map[, array(3) {, string(4) "", Some("")
    r"""(?:[a-z]\w*\(\d{1,9}\)\s+(?=["{])|(?:Optional|Some|string|int|float|bool)\((?=[^\d)]|\d+\))
    |map\[\w+\](?:interface\s\{\}|\w+)\s*(?=\{)|(?:Array|\w{1,60}\sObject)\s+(?=\()
    |&?[A-Za-z_][\w.:<>]{0,80}[ ]?(?=[\[{]|\(\w+=))""",
    re.X,
)
BARE = re.compile(  # a value without quotes: a number, a word, a placeholder, an expression
    r"""<[^<>\n]*> | «[^»\n]*» | \$?\{\{?[\w .$()-]*\}?\}(?!\s*[:=])
    | (?:(?![ ][A-Za-z_]\w{0,40}[:=][^\s:/])[^,;{}\[\]\n"'`()]
      | \((?:[^()\n]|\([^()\n]*\))*+\))++""",
    re.X,
)
AS_IT_IS = re.compile(
    r"https?://\S*|[A-Z]{3,7}|<[^<>\n]*>|(?:(?:DPoP|Bearer) )?ey[\w.=-]{8,}|-?\d+\.\d+"
)
SHORT = re.compile(r"\[(?:Object|Array)\]|\{\s?(?:…|\.\.\.)\s?\}")  # as consoles shorten them
CONSTANTS = {"true": True, "false": False, **dict.fromkeys(["null", "none", "nil", "undefined"])}
NUMBER = re.compile(r"-?\d{1,20}(?:\.\d{1,12})?(?:e\+\d\d?)?(?=[nLl]?$)")
CLAIM = r"""
    (?<![\w.-])(?P<name>htm|htu|jti|iat|ath|nonce|(?i:access_?token|token_?type))
    ["'`*]*[ \t]*(?:=>|[:=|]|value[ ]:)[ \t]*
    ["'`]?(?P<value>[^\s"'`,;|\]})]+)"""
LISTED = re.compile(CLAIM, re.X)
BEGINS = re.compile(  # a line, with a claim, and may have nothing else
    rf"""^[ \t\-*|>•"'`]*+(?i:(?:proof|payload|claims?|dpop|key)[.\s:]+)?["'`]*+{CLAIM}
    (?P<rest>["'`*,;|\])}} \t]*$)?""",
    re.X | re.M,
)
MARKED = re.compile(r"htu|token_?type", re.I)
Found = tuple[int, int, dict[str, Any]]  # where an object begins and ends in a text, and what it is


def objects_in(text: str) -> Iterator[Found]:
    """The objects in a text that stand in no other, in their order. Never raises."""
    at, effort, start = 0, EFFORT, START.search(text)
    lines = iter(_lines_of_pairs(text))
    line = next(lines, None)
    for _ in range(MOST):
        if start and start.start() < at:
            start = START.search(text, at) if effort >= 0 else None
        while line and line[0] < at:
            line = next(lines, None)
        if line and not (start and start.start() < line[0]):
            yield line
            at = line[1]
            continue
        if start is None:
            return
        value, at, cost = _object_at(text, start.start())
        effort -= cost
        if value is not None:
            yield start.start(), at, value


def _lines_of_pairs(text: str) -> Iterator[Found]:
    """The lines of a log that are names with their values (logfmt), as objects."""
    for found in PAIRS.finditer(text):
        pairs = IN_PAIRS.findall(found[0])
        value = {name: re.sub(r"\\(.)", r"\1", said) or bare for name, said, bare in pairs}
        if OF_LINES & value.keys():
            start = text[text.rfind("\n", 0, found.start()) + 1 : found.start()][:200]
            if node := NODE.match(start):
                value.setdefault("node", node[1])
            yield found.start(), found.end(), value


def listed_in(text: str) -> dict[str, Any]:
    """The claims, or members of a token response, that lines of a text list; empty for none."""
    found: dict[str, Any] = {}
    for line in text.split("\n") if MARKED.search(text) else ():
        pairs = {one["name"]: one["value"] for one in LISTED.finditer(line)}
        if BEGINS.match(line) or {"htm", "htu"} <= set(pairs):
            found |= pairs
    if found.get("iat", "").isdecimal():  # a list has no quotes by which a number is told
        found["iat"] = whole_number(found["iat"])
    return found


def _object_at(text: str, at: int) -> tuple[dict[str, Any] | None, int, int]:
    """The object that begins here, where it ends, and the effort; None for what is none."""
    try:
        value, end = DECODER.raw_decode(text, at)
    except (ValueError, RecursionError) as error:
        reader = _Reader(text, at)
        cost = (getattr(error, "pos", at + LONGEST) - at) // 20
        try:
            value = reader.members(0)
        except (ValueError, IndexError):
            return None, at + 1, cost + reader.at - at
        end, cost = reader.at, cost + reader.at - at
    else:
        cost = 0
    if not isinstance(value, dict) or deeper(value, MAX_DEPTH):
        return None, end, cost
    opened = {name: one if name == "cnf" else _opened(one) for name, one in value.items()}
    return opened, end, cost  # cnf in quotes is a fault, which is to be seen


def _opened(value: Any) -> Any:
    """A member of a log's object; where its text is an object in JSON, that."""
    inner = read_json(value) if isinstance(value, str) and value[:1] == "{" else None
    return inner if isinstance(inner, dict) else value


class _Reader:
    """A place in a text, where a value is read; its methods raise ValueError for what is none."""

    def __init__(self, text: str, at: int) -> None:
        self.text, self.at, self.end = text, at, at + LONGEST

    @property
    def next(self) -> str:
        """The character that stands here; empty at the end."""
        return self.text[self.at : self.at + 1] if self.at < self.end else ""

    @property
    def here(self) -> tuple[str, int, int]:
        """Where a pattern is to match."""
        return self.text, self.at, self.end

    def past(self, found: re.Match[str] | None) -> re.Match[str] | None:
        """What was found here; the place is then behind it."""
        self.at = found.end() if found else self.at
        return found

    def value(self, depth: int, *, plain: bool = False) -> Any:
        """The value that begins here.

        A word without quotes is its own value where it is `plain`, else what a placeholder stands
        for.
        """
        if self.past(SHORT.match(*self.here)) is not None:
            return "<object>"
        if (before := self.past(TYPE.match(*self.here))) is not None:
            value = self.value(depth, plain=True)
            self.at += before[0].endswith("(") and self.next == ")"
            return value
        if (cut := self.past(CUT.match(*self.here))) is not None:
            self.end = self.at
            return cut[1]
        if (string := self.past(STRING.match(*self.here))) is not None:
            return re.sub(r"\\(.)", r"\1", string[2])
        bare = None if self._opens else self.past(BARE.match(*self.here))
        if bare is None:
            return self.members(depth, plain=plain)
        word = bare[0].strip()
        if (number := NUMBER.match(word)) is not None:  # Go writes a time as 1.764e+09
            return float(number[0]) if set(".e") & set(number[0]) else int(number[0])
        if word.lower() in CONSTANTS:
            return CONSTANTS[word.lower()]
        return word if plain or AS_IT_IS.fullmatch(word) else f"<{word[:60]}>"

    @property
    def _named(self) -> bool:
        """Begins here an object, whose members have names?"""
        return self.next == "{" or START.match(self.text, self.at) is not None

    @property
    def _opens(self) -> bool:
        """Begins here an object, or an array?"""
        return self.next == "[" or START.match(self.text, self.at) is not None

    def members(self, depth: int, *, plain: bool = False) -> Any:
        """An object or an array; one that is cut off ends with the text, or at an empty line."""
        opening, named = self.next, self._named
        if depth > DEEPEST or opening not in ("{", "[", "("):
            raise ValueError("no object, or too deep")
        members: dict[str, Any] = {}
        items: list[Any] = []
        self.at += 1
        while True:
            gap = self.past(GAP.match(*self.here))
            cut_off = gap and "\n\n" in gap[0] and items and opening != "("
            if cut_off or self.next in ("}", "]", ")", ""):
                break
            if named:
                name, said = self._name(depth, plain=plain)
                members[name] = said
                items.append(said)
            else:
                items.append(self.value(depth + 1, plain=plain))
        self.at += 1
        return members if named else items

    def _name(self, depth: int, *, plain: bool) -> tuple[str, Any]:
        """A member: its name and its value, which in JavaScript one variable may give."""
        key = self.past(STRING.match(*self.here)) or self.past(KEY.match(*self.here))
        if key is None:
            raise ValueError("no name")
        name, sign = key[key.lastindex or 0], self.past(SIGN.match(*self.here))
        if sign is None:
            return name, f"<{name}>"
        return name, self.value(depth + 1, plain=plain or sign[1] != ":" or sign[0] == ":")
