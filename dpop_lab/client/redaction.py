"""Where an HTTP message holds secrets: its fields by name, then long values wherever they are."""

import base64
import json
import re
from dataclasses import replace
from urllib.parse import unquote_plus

from dpop_lab.client.exchange import Exchange, Headers
from dpop_lab.client.labels import Labels

NAMES = frozenset(
    "access_token actor_token assertion client_assertion client_secret code_verifier device_code"
    " id_token id_token_hint password refresh_token registration_access_token subject_token".split()
)
PARAMETERS = NAMES | {"code", "token"}  # in forms and queries; elsewhere these words are harmless
JWK_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "k", "oth"})

PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S)
STRING = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:\s*)?', re.S)
FORM_PAIR = re.compile(r"([^=&]*)=([^&]*)")
QUERY_PAIR = re.compile(r"([^=&#?]*)=([^&#]*)")
USER = re.compile(r"(?<=://)[^/?#@\s]+(?=@)")
LOOSE = re.compile(  # in text of no known form: name=value, "name": "value", \"name\": \"value\"
    rf"""(?P<name>\b(?:{"|".join(sorted(NAMES))})|(?<=[?&])(?:code|token))"""
    r"""(?P<gap>=|\\*["']\s*:\s*)"""
    r"""(?:(?P<quote>\\*["'])(?P<quoted>(?:\\.|.)*?)(?=(?P=quote)|\Z)|(?P<bare>[^\s"'&,;<>]+))""",
    re.S,
)
PART = re.compile(r'(name="([^"]*)"[^\n]*\n(?:[^\r\n]+\r?\n)*\r?\n)(.*?)(?=\r?\n--|\Z)', re.S)


class Redactor:
    """Takes the secrets out of one exchange after another, remembering those it has seen."""

    def __init__(self, *, show_proofs: bool = False) -> None:
        self._show_proofs, self._labels = show_proofs, Labels()

    def exchange(self, raw: Exchange) -> Exchange:
        """The exchange without its secrets.

        Long values known from before are replaced, wherever they are; then those which a name
        gives away; then once more every long value that is known by now. The Content-Length of a
        changed body becomes that of the new one.
        """
        once = _rewritten(raw, self._labels.replace(_texts(raw)))
        named = replace(
            once,
            url=self._url(once.url),
            request_headers=self._headers(once.request_headers),
            request_body=self._body(once.request_body, once.request_headers),
            response_headers=self._headers(once.response_headers),
            response_body=self._body(once.response_body, once.response_headers),
            failure=self._text(once.failure),
        )
        clean = _rewritten(named, self._labels.replace(_texts(named)))
        sent, received = clean.request_headers, clean.response_headers
        return replace(
            clean,
            request_headers=_measured(sent, raw.request_body, clean.request_body),
            response_headers=_measured(received, raw.response_body, clean.response_body),
        )

    def _headers(self, headers: Headers) -> Headers:
        return tuple((name, self._header(name, value)) for name, value in headers)

    def _url(self, url: str) -> str:
        at = next((at for at, character in enumerate(url) if character in "?#"), len(url))
        user = USER.sub(lambda match: self._labels.label("credentials", match[0]), url[:at])
        return user + self._pairs(QUERY_PAIR, url[at:])

    def _header(self, name: str, value: str) -> str:
        match name.lower():
            case "authorization" | "proxy-authorization":
                return self._credentials(value.strip())
            case "dpop":
                return value if self._show_proofs else self._labels.label("proof", value)
            case "cookie":
                return ";".join(map(self._cookie, value.split(";")))
            case "set-cookie":
                pair, mark, attributes = value.partition(";")
                return self._cookie(pair) + mark + attributes
        return self._text(self._url(value))

    def _credentials(self, value: str) -> str:
        scheme, gap, rest = value.partition(" ")
        if not gap:
            return self._labels.label("credentials", value)
        if scheme.lower() in ("dpop", "bearer"):
            return f"{scheme} {self._labels.label('access_token', rest.strip())}"
        if scheme.lower() == "basic":
            self._know_password(rest.strip())
        return f"{scheme} {self._labels.label('credentials', rest.strip())}"

    def _know_password(self, pair: str) -> None:
        try:
            password = base64.b64decode(pair).decode().partition(":")[2]
        except ValueError:
            return
        self._labels.know("client_secret", password)
        self._labels.know("client_secret", unquote_plus(password))

    def _cookie(self, pair: str) -> str:
        name, mark, value = pair.rpartition("=") if "=" not in pair else pair.partition("=")
        return name + mark + self._labels.label("cookie", value.strip())

    def _body(self, body: str, headers: Headers) -> str:
        types = (value for name, value in headers if name.lower() == "content-type")
        media_type = next(types, "").partition(";")[0].strip().lower()
        if media_type == "application/x-www-form-urlencoded":
            return self._pairs(FORM_PAIR, body)
        if media_type.startswith("multipart/"):
            return PART.sub(lambda part: part[1] + self._value(part[2], part[3]), body)
        return self._text(body)

    def _pairs(self, pattern: re.Pattern[str], text: str) -> str:
        def pair(match: re.Match[str]) -> str:
            value = unquote_plus(match[2])
            shown = self._value(unquote_plus(match[1]), value)
            return match[0] if shown == value else f"{match[1]}={shown}"

        return pattern.sub(pair, text)

    def _value(self, name: str, value: str) -> str:
        """What is shown for the value of a parameter."""
        return self._labels.label(name, value) if name in PARAMETERS else self._text(value)

    def _text(self, text: str) -> str:
        if text.lstrip()[:1] in ("{", "[", '"') and _is_json(text):
            return self._json(text)
        text = PEM.sub(lambda match: self._labels.label("private_key", match[0]), text)
        return LOOSE.sub(self._loose, text)

    def _loose(self, match: re.Match[str]) -> str:
        quote, value = match["quote"] or "", match["bare"] or match["quoted"] or ""
        value = unquote_plus(value) if match["gap"] == "=" else value
        return f"{match['name']}{match['gap']}{quote}{self._labels.label(match['name'], value)}"

    def _json(self, text: str) -> str:
        """JSON text with everything but the secrets left as it was written."""
        strings = [json.loads(match[1]) for match in STRING.finditer(text) if match[2]]
        secret = NAMES | JWK_PRIVATE if "kty" in strings else NAMES
        done, position = [], 0
        while match := STRING.search(text, position):
            name_or_value, end = json.loads(match[1]), match.end()
            done.append(text[position : match.start()])
            if not match[2]:
                shown = self._text(name_or_value)
                done.append(match[0] if shown == name_or_value else json.dumps(shown))
            elif name_or_value not in secret:
                done.append(match[0])
            else:
                value, end = json.JSONDecoder().raw_decode(text, end)
                label = self._labels.label(name_or_value, _plain(value))
                done.append(match[0] + json.dumps(label))
            position = end
        return "".join(done) + text[position:]


def _texts(exchange: Exchange) -> list[str]:
    """Every text of an exchange that may hold a secret, in order of appearance."""
    sent = [value for _, value in exchange.request_headers]
    received = [value for _, value in exchange.response_headers]
    answer = [*received, exchange.response_body, exchange.failure]
    return [exchange.url, *sent, exchange.request_body, *answer]


def _rewritten(exchange: Exchange, texts: list[str]) -> Exchange:
    """The exchange with these texts in place of its own."""
    rest = iter(texts)
    return replace(
        exchange,
        url=next(rest),
        request_headers=tuple((name, next(rest)) for name, _ in exchange.request_headers),
        request_body=next(rest),
        response_headers=tuple((name, next(rest)) for name, _ in exchange.response_headers),
        response_body=next(rest),
        failure=next(rest),
    )


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _measured(headers: Headers, before: str, after: str) -> Headers:
    length = str(len(after.encode("utf-8", "surrogatepass")))
    return tuple(
        (name, length if name.lower() == "content-length" and before != after else value)
        for name, value in headers
    )
