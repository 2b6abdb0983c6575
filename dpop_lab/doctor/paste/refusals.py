"""What a server says when it refuses, in a line of anything: an error code, and words."""

import re
from dataclasses import dataclass
from urllib.parse import unquote_plus

CODES = (  # of RFC 6749, 6750, 8707 and 9449, and others made like them
    r"invalid_[a-z_]{4,40}|use_dpop_nonce|insufficient_scope|unauthorized_client|access_denied"
    r"|(?:login|interaction|consent|account_selection)_required"
    r"|unsupported_[a-z]{4,12}_type|server_error|temporarily_unavailable|missing_dpop[a-z_]{0,20}"
)
CODE = re.compile(rf"(?<![\w-])(?:{CODES}|(?i:use_?dpop_?nonce|invalid_?dpop_?proof))(?![\w=(-])")
IN_CAPITALS = re.compile(r"[a-z](?=[A-Z])")
#: A status that words tell, where there is no answer to take it from.
STATUS = re.compile(
    r"\b([45]\d\d) (?:Bad Request|Unauthorized|Forbidden|Not Found|Client Error|Server Error"
    r"|Internal Server Error|Method Not Allowed)\b",
    re.I,
)
TECHNICAL = r"dpop|(?:(?<![\w.-])|(?<=laims\.))(?:htu|htm|ath|jkt|jti|iat|cnf)(?![\w-])"
LOGIN = (  # words of a login that need no code beside them
    r"(?:redirect|callback|reply)[_ ]?ur[il]|request_uri|code_?(?:verifier|challenge)|\bpkce\b"
    r"|checks\.state|\bstate(?: \w+){0,2} (?:mismatch|not found|not match)|matching state"
    r"|response parameter"
)
ABOUT = re.compile(
    rf"{TECHNICAL}|proof[ -]of[ -]possession|sender[ -]constrained|blocked by CORS"
    rf"|too (?:big|long) header|^websocket connection to|{LOGIN}"
    r"|\bjwt (?:is|was) |\bbearer\W{1,3}(?:token|type|scheme|prefix)"
    r"|key_?(?:store|chain|permanently)|secure enclave|err ?sec ?(?:item|interaction)|indexed ?db"
    r"|\bheader (?:field )?(?:value|content)s?\b|duplicate header"
    r"|reading .generateKey|crypto\.subtle|SubtleCrypto|secure context",
    re.I,
)
WANTED = r"expect[^\n\d]{1,24}(?:40[0-3]|unauthorized|forbidden|bad ?request)"  # by a test
TESTED = re.compile(  # and found it let in
    rf"{WANTED}[^\n\d]{{1,40}}(?:2\d\d|ok)\b|assert 2\d\d == 40[0-3]", re.I
)
#: What a test expected, and in the next line what came.
RECEIVED = re.compile(
    rf"(\b{WANTED})\n\s*+(?=(?:received|got|actual|but was):?[ ]+(?:2\d\d|ok)\b)", re.I
)
FAILS = re.compile(
    r"\b(?:no|not|nor|none|never|too|must|only|already|twice|bad|old|another|other|should|wants?)\b"
    r"|n't|!==?|≠|fail|err(?:or|\b)|exception|invalid|mismatch|match|refus|reject|den(?:y|ied)|missing"
    r"|wrong|differ|cannot|unable|un(?:support|expect|authori|known|trust|bound)|expired?\b|duplicate"
    r"|replay|reuse|requir|block|malform|future|outside|exceed|older|newer|stale|lost|skew|expect|forbid|violat"
    r"|illegal|lack|absent|abort|warn|out of range|exactly|\b[45]\d\d\b",
    re.I,
)
NAMED = re.compile(
    r"""(?<![\w.-])(?P<name>error_?description|error_?message|error_?code|err(?:or)?|reason|detail|some
      |message|title|msg|description)["'`]?[ \t]*+[:=][ \t]*+(?:Optional\()?+
    (?P<text>"(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+'|\[[^\]\n]*+\]
      |(?![\s"'\[])(?:(?![,;]?[ ][\w.]{1,30}=)[^\n])++)""",
    re.X | re.I,
)
QUOTED = re.compile(r'(?<!\w)"(?=\S)([^"\n]*+)"')
BESIDE = re.compile(r'\b((?:expected|actual|received|got|iat|now)=(?:"[^"\n]*+"|[^\s",;]++))')
URLS = re.compile(r'(?<![\w.-])(\w{2,30}="?https?://[^\s",;]++)')  # told by name
FRAME = re.compile(  # of a stack trace: where it was in a program, not what was said
    r"""^\s*(?:at\s++\S.*[(:]|File\s"|\.\.\.\s\d+\smore|from\s[^\s:]*+:\d|\#\d+\s|goroutine\s
      |[^\s:]*+(?<=\.go):\d++(?:$|[ ]\+0x)|Traceback\s|[^\s@]*+@\S*+(?<=\d)$
      |(?:\w+\s=\s)?(?:return|raise|throw|await|self\.)\b.*[)({;]$|\w+\s=\s[\w.]++\(.*\)$)""",
    re.X,
)
PREFIX = re.compile(  # what a logger puts before the words
    r"""(?:\[[^\]\n]*+\]|\([\w.-]*+\)|(?=[:.,TZ/+-]{0,9}\d)[\d:.,TZ/+-]++|[A-Z]{3,8}(?=[\s:\]])
      |[>*▿•|-]++|(?=\w{0,60}[./(]|\w{0,60}?(?:Exception|Error):)
      [\w./]++(?:\(\d{1,9}\))?[ ]{0,60}:)\s++""",
    re.X,
)
HINT = re.compile(
    r"://|\d{5}|\d:\d\d:|[/:]{1,3}\w+/"
)  # a URL or a time, with which others are compared
MOST_PREFIXES = 12
LONGEST_WORD = 40  # characters, on an average
SENTENCE, PROSE = re.compile(r"(?<=[.!?]) +(?=[A-Z])"), 200  # characters from which a line is that


@dataclass(frozen=True, slots=True)
class Words:
    """What a line tells: an OAuth code, words, and whether these are about something that failed.

    Words that do not say so are a hint, such as two URLs that are compared.
    """

    error: str
    text: str
    fails: bool


def words_in(line: str) -> Words | None:
    """What a server says in a line, or whoever tells of it; None for all other lines."""
    if FRAME.match(line):
        return None
    code = CODE.search(line)
    error = code[0] if code else ""
    if TESTED.search(line):
        return Words(error, line.strip(), fails=True)
    if not (error or ABOUT.search(re.sub(r"\w{0,9}://\S*+", "", line))):
        return None
    named = {pair["name"].lower(): _bare(pair["text"]) for pair in NAMED.finditer(line)}
    said = [text for text in named.values() if " " in text]
    if error and not said:  # what stands in quotes was said, not what a dump has around it
        quoted = (one[1] for one in QUOTED.finditer(line) if error in one[1] and " " in one[1])
        said = [*quoted][:1]
    text = (
        "; ".join(dict.fromkeys(said))
        if said or (named and error and f"[{error}]" not in line)
        else _telling(_without_prefix(line))
    )
    if text.strip("[]().: ") == error:
        text = ""
    more, urls = BESIDE.findall(line), URLS.findall(line)
    if said and (more := more or urls * (len(urls) == 2)):
        text += f" ({', '.join(more)})"
    if error.lower() != error:
        error = IN_CAPITALS.sub(r"\g<0>_", error.replace("DPoP", "Dpop")).lower()
    if not (error or has_words(text)):
        return None
    fails = bool(code or (said and "error" in "".join(named)) or FAILS.search(text))
    return Words(error, text[:2000], fails) if fails or HINT.search(text) else None


def has_words(text: str) -> bool:
    """Is it more than a long list of names?"""
    return len(text) < max(PROSE, LONGEST_WORD * (text.count(" ") + 1))


def _bare(text: str) -> str:
    """A value without its quotes or brackets, and their escapes; one in a URL decoded."""
    if " " not in text and re.search(r"[+%]", text):
        return unquote_plus(text.partition("&")[0])
    return re.sub(r"\\(.)", r"\1", text).strip("\"'[] \t.") if text[:1] in "\"'[" else text.strip()


def _telling(text: str) -> str:
    """Of prose the sentences that tell of it: others may hold any word."""
    sentences = SENTENCE.split(text) if len(text) > PROSE else [text]
    return " ".join(one for one in sentences if CODE.search(one) or ABOUT.search(one)) or text


def _without_prefix(line: str) -> str:
    """A line of a log without time, level, thread and logger."""
    line = line.strip()
    for _ in range(MOST_PREFIXES):
        prefix = PREFIX.match(line)
        if prefix is None or CODE.search(prefix[0]):
            break
        line = line[prefix.end() :]
    return line.strip(" \t\"'`,;")
