"""What gives a secret away in a text: a name in front of it, or the form of a private key."""

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any
from urllib.parse import unquote_plus

from dpop_lab.jose.encoding import read_json, whole_number
from dpop_lab.jose.jws import salvaged
from dpop_lab.jose.keys import PRIVATE_MEMBERS
from dpop_lab.show.values import Words

NAMES = (
    "access_token actor_token api_key assertion auth_req_id client_assertion client_secret"
    " code_verifier device_code id_token id_token_hint logout_token passcode passwd password"
    " refresh_token registration_access_token secret request_uri subject_token user_code".split()
)
OF_SESSIONS = ("session_state", "sid")  # names of a person's session: nothing can be had for them
PASSWORDS = dict.fromkeys(("passcode", "passwd"), "password")
KINDS = {name.replace("_", ""): name for name in (*NAMES, *OF_SESSIONS)} | PASSWORDS
PARAMETERS = KINDS | {"code": "code", "token": "token", "pwd": "password"}  # elsewhere mere words
# also what ties an answer to a browser and an ID token to a request: of use while that is open
OF_A_FLOW = PARAMETERS | {"state": "state", "nonce": "nonce"}
JWK_PRIVATE = {name: name for name in PRIVATE_MEMBERS}
HASH = re.compile(r"[\w+/-]{43}=?|[0-9a-fA-F]{64}|[\w+/-]{64}|[\w+/-]{86}(?:==)?|[\w-]{22}")
SHORTEST_PRIVATE = 16  # characters of a private member of a key
LONGEST_INSIDE, LEVELS = 20_000, 4  # of JSON in a string: characters, and strings in strings
HIDDEN = re.compile(
    r"\*+|█+|x{3,}|<(?!coroutine |function |[\w.]+ object )[^<>]*>|.*(?:…|\.\.\.).*|%\w+%"
    r"|\[?(?:redacted|removed|hidden|masked)\]?|\$\{?\w+\}?|\$\(.*\)|\{\{.*\}\}|your[_ -][\w -]+",
    re.I | re.S,
)
LOGIN = re.compile(r"^[^/\s:]*+:\S*@")  # in a URL without a scheme
QUOTE = r"""(?:\\{0,63}["']|&(?:amp;)*+(?:quot|apos|#3[49]|#x2[27]);)"""
#: One of the letters that these names begin with: a search for it is quick.
BEGINS = f"(?=[{''.join(sorted({name[0] for name in (*OF_A_FLOW, *PRIVATE_MEMBERS)}))}])"
# in text of no known form: name=value, name: value, "name": "value", <name>value
ANYWHERE = sorted({*NAMES, "session_state"} - {"request_uri"}, reverse=True)
NAME = re.compile(
    rf"""{BEGINS}(?P<name>{"|".join(ANYWHERE).replace("_", "[_-]?")}"""
    r"""|(?<![a-z]_)request_uri(?=\W{1,9}(?:urn|[\w-]{20}))"""  # and not what is said of it
    r"""|(?:(?<=[?&#;])|(?<=u0026))(?:code|token|(?:sid|state|nonce)(?==[\w.~+/%-]{16}))(?==)"""
    r"""|(?:\A|(?<=["'\s{,(]))(?:code|token)(?==\[?(?!invalid_|use_dpop)[\w.~+/%-]{16})"""
    rf"""|(?<=["';])(?:d|p|q|dp|dq|qi|k)(?={QUOTE}\s*+:\s*+{QUOTE}[\w-]{{16}}))"""
    rf"""(?P<gap>>|(?:{QUOTE}|\\*+["']?)\s*+(?:value\s*+)?[:=]>?\s*+)"""
    rf"""(?P<quote>{QUOTE})?+""",
    re.S | re.I,
)
LOOSE = re.compile(
    rf"""{NAME.pattern}(?(quote)"""
    r"""(?P<quoted>(?:\\.|.)*?)(?=(?P=quote)|\Z)"""
    r"""|(?P<bare>[\\\[{]*+["']?(?:<\w+\ \d+>|[^\s"'&,;<>])++))""",
    re.S | re.I,
)


def squeezed(name: str) -> str:
    """A name without letter case and separators: accessToken, Access-Token, access_token."""
    return name.lower().replace("_", "").replace("-", "")


def named_in(text: str) -> Iterator[tuple[str, str]]:
    """The kind and the value of each secret that a text of no known form gives away by a name."""
    return map(named, LOOSE.finditer(text))


def named(match: re.Match[str]) -> tuple[str, str]:
    """The kind and the value of the secret in what `LOOSE` found."""
    value = match["bare"] or match["quoted"] or ""
    kind = KINDS.get(squeezed(match["name"]), match["name"].lower())
    return kind, unquote_plus(value) if match["gap"] == "=" else value


def member_names(text: str) -> set[str] | None:
    """The names of all members in JSON; None if it is none, or has more brackets than we follow."""
    names = set[str]()
    decoder = json.JSONDecoder(
        object_pairs_hook=lambda pairs: names.update(dict(pairs)), parse_int=whole_number
    )
    try:
        decoder.decode(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        return None
    return names


def is_hidden(value: str) -> bool:
    """Is this what a redactor leaves in the place of a value?"""
    return bool(HIDDEN.fullmatch(value.strip()))


def strings(value: object, name: str = "", levels: int = LEVELS) -> Iterator[tuple[str, str]]:
    """Every string in a JSON value, in the JSON of its strings too, with the name of its member."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from strings(one, str(key), levels)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one, name, levels)
    elif isinstance(value, str):
        yield name, value
        if levels:
            yield from strings(inside(value), name, levels - 1)


def inside(value: object) -> object | None:
    """The JSON that a string holds, plain or in base64url; None where it holds none."""
    if not isinstance(value, str) or len(value) > LONGEST_INSIDE:
        return None
    if value.lstrip()[:1] in ("{", "["):
        found: object = read_json(value)
        return found
    return salvaged(value).header or None if value.startswith("eyJ") else None


def is_secret(name: str, value: object) -> bool:
    """Is this a private member of a key, or something that its name calls a secret?"""
    if not isinstance(value, str) or is_hidden(value):
        return False
    known = squeezed(name.strip())
    token = known == "ath" and not HASH.fullmatch(value)  # perhaps
    if known in PRIVATE_MEMBERS or token:
        return len(value) >= SHORTEST_PRIVATE
    named = KINDS.get(known) not in (None, *OF_SESSIONS)
    return named or known.endswith("secret") or known.startswith("priv") or holds_key(value)


def is_private(name: str, value: object) -> bool:
    """Is this a private member of a key?"""
    known = name.strip().lower()
    return (known in PRIVATE_MEMBERS or known.startswith("priv")) and is_secret(name, value)


def leaked(value: object) -> tuple[str, ...]:
    """The names of private members of keys, wherever in a JSON value they stand."""
    return tuple(name for name, text in strings(value) if is_private(name, text))


def harmless(value: object, name: str = "") -> Any:
    """A value without the secrets in it: private members of keys, what a name calls a secret."""
    if isinstance(value, Mapping):
        return {key: harmless(one, str(key)) for key, one in value.items()}
    if isinstance(value, list):
        return [harmless(one, name) for one in value]
    if is_secret(name, value):
        return Words("(private)")
    if leaked(inside(value)):
        return Words("(JSON in a string, with private members)")
    return LOGIN.sub("…@", value) if name == "htu" and isinstance(value, str) else value


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
KEYLIKE = re.compile(rf"-----BEGIN|(?<![\w+/\\-])[\w+/\\-]{{40}}|{DER}")  # what both begin with
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
        bare = SEPARATOR.sub("\n", key).replace("\\", "")
        yield from (key, *(line[0] for line in islice(LINE.finditer(bare), MOST)))


def without_keys(text: str, label: Callable[[str], str]) -> str:
    """The text with what `label` makes of it in place of each private key."""

    def shown(match: re.Match[str]) -> str:
        start = _start(match)
        return match[0] if start is None else match[0][:start] + label(match[0][start:])

    return BLOCK.sub(shown, WHOLE.sub(shown, text)) if KEYLIKE.search(text) else text


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
