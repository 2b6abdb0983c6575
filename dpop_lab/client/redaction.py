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

        First those are replaced which a name gives away, then, all over the exchange, every long
        value known by then. The Content-Length of a changed body is that of the new one.
        """
        sent, received = raw.request_headers, raw.response_headers
        names = [name for name, _ in (*sent, *received)]
        texts = [
            self._url(raw.url),
            *(self._header(name, value) for name, value in sent),
            self._body(raw.request_body, sent),
            *(self._header(name, value) for name, value in received),
            self._body(raw.response_body, received),
            self._text(raw.failure),
        ]
        url, *values, failure = self._labels.replace(texts)
        request_body, response_body = values.pop(len(sent)), values.pop()
        headers = tuple(zip(names, values, strict=True))
        return replace(
            raw,
            url=url,
            request_headers=_measured(headers[: len(sent)], raw.request_body, request_body),
            request_body=request_body,
            response_headers=_measured(headers[len(sent) :], raw.response_body, response_body),
            response_body=response_body,
            failure=failure,
        )

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
