"""Private keys in a text: PEM, also what is left of it, DER in base64, either in base64 again."""

import base64
import re
from collections.abc import Callable, Iterator

# No run is tried from within, and none gives a character back: the time grows with the text alone.
BEGIN = r"-----BEGIN\ (?>[A-Z ]*PRIVATE\ KEY)(?:-----)?+"
END = r"-++END\ [A-Z ]*PRIV[A-Z ]*-*+"
BASE64 = r"(?:[A-Za-z0-9+/_]|-(?!----))"
MORE = rf"(?:{BASE64}|\\++/)"
LONG = rf"{BASE64}{MORE}{{39,}}+(?!\.[\w-])"  # what is no word, and no part of a JWT
SHORT = rf"{BASE64}{MORE}{{11,38}}+"
NEW_LINE = r"(?:[\r\n]|(?<!\\)\\++(?:[nr]|u000[AaDd])|%0[AaDd])"
GAP = r"(?:[\s\"'>|,\#*+]|\\++(?:[nrt]|u00[02][09AaDd])?+|%(?:0[9AaDd]|20)?+)"
END_OF_LINE = rf"(?=[\ \t\"'+,;)]*+(?:{NEW_LINE}|-----|\Z|[\"'\\]))"
DER = (  # OpenSSH, or a SEQUENCE with a version
    rf"(?:b3BlbnNzaC1rZXk|M(?:{BASE64}{{2}}CAQ[AE]|I[GH]{BASE64}AgE[ABD]"
    rf"|II{BASE64}{{2}}[AQgw]IBA))"
)
WHOLE = re.compile(rf"{BEGIN}(?:[^-]|-(?!----(?:BEGIN|END)\ ))*+{END}", re.X)
BLOCK = re.compile(
    rf"""(?:{BEGIN}(?:{GAP}*+(?:Proc-Type|DEK-Info|Key-Info|Comment):(?:[^\r\n\\%-]|-(?!----))*+)*+
        (?:{GAP}*+{LONG}|[\ \t\"'+,]*+{NEW_LINE}{GAP}*+{BASE64}{MORE}*+={{0,2}}+{END_OF_LINE})++
      |(?:(?<![A-Za-z0-9+/_-])|(?<=-----)(?!-))(?:{LONG}|{SHORT}{GAP}++{LONG})
      |{DER}{MORE}*+)
    (?:{GAP}*+{LONG})*+
    (?:={{1,2}}+|{GAP}++(?:{SHORT}={{0,2}}+{END_OF_LINE}|{BASE64}{MORE}{{0,10}}+={{1,2}}+))?+
    (?:{GAP}*+{END})?+""",
    re.X,
)
SEPARATOR = re.compile(r"-{5}(?:BEGIN|END)[A-Z ]*-*+|" + NEW_LINE)
LINE = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")
LONG_LINE, KNOWN_BEGINNING = re.compile(LONG), re.compile(DER)
ENCODED = re.compile(r"LS0tLS1CRUdJTi|ey[AIJ]|ew[o0]")  # -----BEGIN and { in base64
PRIVATE_MEMBER = re.compile(r'"(?:d|k|p|q|dp|dq|qi)"\s*+:')
NO_LINES = 3  # lines of a key in PEM that are not long: two of its header, and the last
MOST = 120  # lines: an RSA key of 8192 bits has 100


def holds_key(text: str) -> bool:
    """Is a private key in the text, or what is left of one?"""
    return bool(_keys(text))


def key_pieces(text: str) -> Iterator[str]:
    """The private keys in a text, and their lines of base64: one may be shown alone."""
    for key in _keys(text):
        yield key
        bare = SEPARATOR.sub("\n", key).replace("\\", "")
        for number, line in enumerate(LINE.finditer(bare)):
            if number < MOST:
                yield line[0]


def without_keys(text: str, label: Callable[[str], str]) -> str:
    """The text with what `label` makes of it in place of each private key."""

    def shown(match: re.Match[str]) -> str:
        start = _start(match)
        return match[0] if start is None else match[0][:start] + label(match[0][start:])

    return BLOCK.sub(shown, WHOLE.sub(shown, text))


def _keys(text: str) -> list[str]:
    found: list[str] = []

    def noted(key: str) -> str:
        found.append(key)
        return "<>"

    without_keys(text, noted)
    return found


def _start(match: re.Match[str]) -> int | None:
    """Where in what was found a private key begins, None for nowhere."""
    text = match[0]
    if match.re is WHOLE:
        lines = [line for line in SEPARATOR.split(text) if line.strip()]
        long = sum(LONG_LINE.search(line) is not None for line in lines)
        return 0 if long and long >= len(lines) - NO_LINES else None
    if text.startswith("-----BEGIN"):
        return 0
    if der := KNOWN_BEGINNING.search(text):
        return der.start()
    if "-----END" in text:
        return 0
    before, after = match.start() - 1, match.end()
    if "." in (match.string[max(before, 0) : before + 1], match.string[after : after + 1]):
        return None  # a JWT
    encoded = ENCODED.search(text)
    return encoded.start() if encoded and _is_key(text[encoded.start() :]) else None


def _is_key(encoded: str) -> bool:
    """Is it a private key in PEM or as a JWK, in base64 or what is left of that?"""
    bare = "".join(LINE.findall(SEPARATOR.sub("\n", encoded).replace("\\", "")))
    bare = bare.replace("-", "+").replace("_", "/").replace("=", "")
    text = base64.b64decode(bare[: len(bare) // 4 * 4]).decode("latin-1")
    return "PRIVATE KEY" in text or ('"kty"' in text and bool(PRIVATE_MEMBER.search(text)))
