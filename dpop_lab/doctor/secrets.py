"""Which secrets were in what was pasted, and how they are kept out of what is said of it."""

import html
import re
from bisect import bisect
from collections.abc import Iterable, Iterator
from itertools import islice
from os.path import commonprefix
from typing import Any
from urllib.parse import unquote_plus

from dpop_lab.doctor.paste.pasted import Pasted
from dpop_lab.jose.jws import decoded_parts, salvaged
from dpop_lab.jose.keys import PRIVATE_MEMBERS
from dpop_lab.session.call import Call
from dpop_lab.wire.labels import LONG, passwords_in
from dpop_lab.wire.message import lines
from dpop_lab.wire.redact import USER_ESCAPED, Redactor
from dpop_lab.wire.secrets import (
    BEGINS,
    LOGIN,
    NAMES,
    OF_SESSIONS,
    PARAMETERS,
    holds_key,
    is_hidden,
    is_private,
    is_secret,
    key_pieces,
    named_in,
    squeezed,
    strings,
)

WORDS = dict.fromkeys(("private_key", *PRIVATE_MEMBERS), "a private key") | {
    "client_secret": "a client secret",
    "client_assertion": "a client assertion",
    "refresh_token": "a refresh token",
    "password": "a password",
    "code": "an authorization code",
    "code_verifier": "a code verifier",
    "assertion": "an assertion",
    "access_token": "an access token",
    "id_token": "an ID token",
    "cookie": "cookies",
    "api_key": "an API key",
    "credentials": "a name and a password",
}
WORDS |= dict.fromkeys(("proof", "state", "nonce", *OF_SESSIONS), "")  # of no use, or by its kind
ESCAPED = re.compile(r"(?<!\\)\\++u00([2-7][0-9a-fA-F])")
JWT = re.compile(  # or what is left of one, its beginning cut off
    r"(?<![\w-])(?:ey[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*"
    r"|[A-Za-z0-9_-]*+\.[A-Za-z0-9_-]{64,})"
)
WORD = re.compile(r"[^\s'\"<>]++")
PORT = re.compile(r"[^/]*:\d{1,5}/")
NAMED = re.compile(
    r"(?:[?&#](?:access_token|token|code|client_secret|refresh_token)="
    r"|^(?:dpop|bearer) +)([^&#\s]+)",
    re.I,
)
START = r"(?:\b|(?<=\\[nrt]))"  # of a line, whose end may be written as an escape
BASIC = re.compile(r"\bbasic\s++([\w+/=-]++)", re.I)
AUTHORIZATION = re.compile(
    START + r"authorization\b[\W_]{1,9}(?:bearer|dpop)\s++([\w+/=.~-]++)", re.I
)
APART = r"[^\w.-]\W{0,15}+"  # between a name and its value, and in no JWT
VALUE = r"(?=\w[\w.~-]{0,40}?\d)(\w[\w+/=.~-]{11,}+)"  # all words but few have no digit
AHEAD = r"(?:string|optional)\W{1,3}+(?:\d++\W{1,6}+)?|the value \W{1,3}+|(?:[rn]\\{1,4}+){1,3}[rn]"
IN_CODE = re.compile(  # however a language or a dump of one parts a name from its value
    rf"{BEGINS}(?:{'|'.join(NAMES)}){APART}(?:{AHEAD})?{VALUE}", re.I
)
MEMBER_IN_CODE = re.compile(rf"(?<![\w.-])(?:d|p|q|dp|dq|qi|k){APART}{VALUE}")
COOKIES = re.compile(
    START + r"""cookie\b[\W_]{1,9}((?:[^\s"'=;\\]++=[^\s"';\\]*+;?+[ ]?+)++)""", re.I
)
LOGIN_OF_CURL = re.compile(r"""\s(?:-u|--user)[ =]*+['"]?[^'":\s]*+:([^'"\s\\]++)""")
PYTHON_LOGIN = re.compile(  # of requests and httpx
    r"""(?:\bauth\s*+=\s*+\(|BasicAuth\()\s*+['"][^'"\n]*+['"]\s*+,\s*+(['"])([^'"\n]++)\1"""
)
LOGINS = ("client_secret", LOGIN_OF_CURL), ("client_secret", PYTHON_LOGIN)
SHORTEST = 7  # characters; a shorter value may be any word
BEGINNING = 16  # characters by which a long value is known, even where its end is cut off
BETWEEN = "\n" + "\0" * 20 + "\n"  # texts that are read at once: no name has its value behind it
MOST_LINES = 100  # of a key in PEM
MOST = 300  # values of each kind that are taken from one text
KNOWN = 2000  # values that are taken out: a paste has them all at once
READ = 200_000  # characters in which secrets are looked for by their names


class Secrets:
    """The secrets of one paste: `kinds` names them, `clean` takes them out of texts."""

    def __init__(self, pasted: Pasted) -> None:
        self._redactor, self._found = Redactor(most=KNOWN), dict[str, None]()  # kinds, in order
        self._long = dict[str, dict[str, str]]()  # by their beginnings: value and kind
        self._seen = set[str]()  # texts: many calls have the same ones
        for call in pasted.calls:
            self._look_at(call)
        self._look_into([*pasted.jwks])
        for exchange in (*(call.exchange for call in pasted.calls), *pasted.given):
            self._redactor.named(exchange)
        text = pasted.text[:READ]
        # an error code may be cut within a line: it is read where there is no text that has it all
        self._read([text] if text else [call.error for call in pasted.calls])
        self._redactor.text(text)
        found = self._found | dict.fromkeys(self._redactor.labels.kinds())
        words = (WORDS.get(kind, "a secret") for kind in found)
        self.kinds = tuple(filter(None, dict.fromkeys(words)))

    def _look_at(self, call: Call) -> None:
        """Look for the secrets in a call; each value is known from now on."""
        for value in filter(None, (call.token, call.issued)):
            self._know("access_token", value)
        headers = [f"{name}: {value}" for name, value in call.headers]
        self._read([call.description, *call.form.values(), *headers])
        pairs = [(PARAMETERS.get(squeezed(name)), value) for name, value in call.form.items()]
        for cookie in lines(call.headers, "cookie"):
            pairs += [("cookie", value) for value in _values("" if is_hidden(cookie) else cookie)]
        for kind, value in pairs:
            if kind and value and not is_hidden(value):
                self._know(kind, value)
        for text in (*call.proofs, call.token):
            jws = salvaged(text)
            self._look_into([jws.header, jws.claims])
            self._read(decoded_parts(text))
        for text in call.proofs:
            self._know("proof", text)

    def _read(self, texts: list[str]) -> None:
        """Look for what texts give away: private keys, and whatever has a name."""
        new = [one for one in dict.fromkeys(texts) if one not in self._seen]
        self._seen.update(new)
        for text in _spellings(BETWEEN.join(new)) if new else ():
            if without_users(text) != text:
                self._found["credentials"] = None
            found = [("private_key", piece) for piece in islice(key_pieces(text), MOST)]
            for value in (one[1] for one in islice(BASIC.finditer(text), MOST)):
                passwords = passwords_in(value)
                found += [("client_secret", one) for one in (*passwords, value) if passwords]
            given = [("access_token", AUTHORIZATION)]
            given += [("private_key", MEMBER_IN_CODE)] * ("kty" in text)
            for kind, pattern in (*given, *LOGINS):
                values = (one[one.lastindex or 0] for one in islice(pattern.finditer(text), MOST))
                known = kind == "client_secret"  # however short
                found += [(kind, value) for value in values if known or _long_enough(value)]
            for cookies in islice(COOKIES.finditer(text), MOST):
                found += [("cookie", one) for one in _values(cookies[1]) if _long_enough(one)]
            named = islice(named_in(text), MOST)
            found += [one for one in named if _long_enough(one[1])]
            others = [one[1] for one in islice(IN_CODE.finditer(text), MOST)]
            found += [("secret", one) for one in others if self._is_new(one, found)]
            for kind, value in found:
                self._know(kind, value)

    def _is_new(self, value: str, found: list[tuple[str, str]]) -> bool:
        """Is it a secret that is neither known by its kind nor a part of one that was found?"""
        known = value in self._long.get(value[:BEGINNING], ())
        return _long_enough(value) and not known and not any(value in one for _, one in found)

    def _look_into(self, values: list[Any]) -> None:
        """Look for secrets in JSON values, by the names of their members."""
        for name, text in (pairs := [*strings(values)]):
            if found := NAMED.search(text):
                self._know("access_token", found[1])
            if name == "htu" and LOGIN.match(text):
                self._found["credentials"] = None
            if is_secret(name, text):
                private = is_private(name, text) or "private" in name.lower() or holds_key(text)
                self._know("private_key" if private else "secret", text)
        self._read([text for _, text in pairs])

    def _know(self, kind: str, value: str) -> None:
        """Take this value out from now on, but for a short word: that may stand anywhere."""
        self._found[kind] = None
        if len(value) >= LONG or not value.isalpha():
            self._redactor.labels.know(kind, value, shortest=SHORTEST)
        for line in value.splitlines()[:MOST_LINES] if "\n" in value else ():
            self._know(kind, line)
        if len(value) > BEGINNING:
            self._long.setdefault(value[:BEGINNING], {}).setdefault(value, kind)

    def clean(self, texts: list[str]) -> list[str]:
        """The texts without any of them, whole or cut off, and without whole JWTs."""
        return [self._cut_ones(text) for text in self._redactor.labels.replace(texts)]

    def _cut_ones(self, text: str) -> str:
        starts = {text[at : at + BEGINNING]: None for at in range(len(text) - BEGINNING + 1)}
        for one in filter(self._long.__contains__, starts):
            text = _without(text, one, self._long[one])
        return JWT.sub(_told, without_users(text))


def _values(cookies: str) -> Iterator[str]:
    """The values in a line of cookies."""
    return (pair.partition("=")[2].strip() for pair in cookies.split(";"))


def _long_enough(value: str) -> bool:
    return len(value) >= LONG and not is_hidden(value)


def _without(text: str, beginning: str, known: dict[str, str]) -> str:
    """The text with whatever is left of these values replaced by their kind."""
    label, (done, *parts) = f"<{next(iter(known.values()))}>", text.split(beginning)
    rests = sorted(value[len(beginning) :] for value in known)
    for part in parts:
        at = bisect(rests, part)  # no other has more in common than its neighbours here
        near = rests[max(0, at - 1) : at + 1]
        common = max(len(commonprefix([part, rest])) for rest in near)  # noqa: RUF071  no paths
        done += label + part[common:]
    return done


def _told(match: re.Match[str]) -> str:
    return f"{match[0][:8]}… ({len(match[0])} characters)"


def _spellings(text: str) -> Iterable[str]:
    """The text as it is, and what it is without URL encoding, entities and escapes of ASCII."""
    escaped = ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "u00" in text else text
    plain = unquote_plus(text) if "%" in text else text
    return dict.fromkeys((text, plain, html.unescape(text), escaped))


# ---- users in URLs


def without_users(text: str) -> str:
    """The text with an ellipsis for the name and the password in each URL, as far as the last @."""
    bare = USER_ESCAPED.sub("…", text)
    return WORD.sub(_without_user, bare) if "@" in bare else bare


def _without_user(word: re.Match[str]) -> str:
    *ahead, host = word[0].split("@")
    for number, part in enumerate(ahead):
        if start := _user_at(part):
            return "@".join([*ahead[:number], f"{part[:start]}…", host])
    return word[0]


def _user_at(text: str) -> int:
    """Where in a text before an @ a name and a password begin, or a name alone; 0 for nowhere."""
    colon = text.rfind(":")
    for slashes in re.finditer("(?<=//)", text[: colon + 1]):
        if not PORT.match(text, slashes.start()):
            return slashes.start()
    start = text.rfind("://") + 3
    return start if start > 2 and text[start:] and not set(text[start:]) & set("/?#") else 0
