"""Where an HTTP message holds secrets: its fields by name, then long values wherever they are."""

import json
import re
from dataclasses import fields, replace
from urllib.parse import unquote_plus

from dpop_lab.checking import Report
from dpop_lab.jose.encoding import whole_number
from dpop_lab.jose.jws import read_jws
from dpop_lab.show.values import at_once
from dpop_lab.wire.labels import LONG, Labels, passwords_in
from dpop_lab.wire.message import Exchange, Headers, Redacted, lines
from dpop_lab.wire.secrets import (
    JWK_PRIVATE,
    KINDS,
    LOOSE,
    PARAMETERS,
    decoded,
    key_pieces,
    member_names,
    named,
    private_members,
    squeezed,
    without_keys,
)
from dpop_lab.wire.url import without_login

DECODE = json.JSONDecoder(parse_int=whole_number).raw_decode
SHORTEST = len("?code=x")  # no text that is shorter can name a secret and hold it

# every pattern takes time in proportion to the text: no repetition may be tried in many ways
STRING = re.compile(r'("(?:[^"\\]++|\\.)*+(?:"|\\?\Z))(\s*+:\s*+)?', re.S)
USER = re.compile(r"(?<=://)[^/?#@\s]+(?=@)")
USER_IN_TEXT = re.compile(r"""(?<=://)[^/?#\s"<>]+(?=@)""")
USER_ESCAPED = re.compile(  # in JSON of PHP, in a parameter
    r"""(?<=:\\/\\/)[^/?#\s"<>]+(?=@)|(?<=%3A%2F%2F)(?:[^\s"'<>%/?#&@]|%(?!2F|3F|23))+(?=%40)""",
    re.I,
)
IN_A_URL, IN_A_FORM = re.compile("([&?#])"), re.compile("(&)")  # what parts parameters
BOUNDARY = re.compile(r'boundary="?([^";]+)', re.I)
FIELD = re.compile(r'\bname="?([^";\r\n]*)', re.I)


class Redactor:
    """Takes the secrets out of one exchange after another, remembering those it has seen last."""

    def __init__(self, *, show_proofs: bool = False, shortest: int = LONG) -> None:
        self._show_proofs, self._labels = show_proofs, Labels(shortest)

    def exchange(self, raw: Exchange) -> Redacted:
        """The exchange without its secrets.

        Long values known from before are replaced, wherever they are; then those which a name
        gives away; then once more every long value that is known by now. The Content-Length of a
        changed body becomes that of the new one.
        """
        once = at_once(raw.with_texts, self._labels.replace)
        named = replace(
            once,
            url=self._url(once.url),
            request_headers=self._headers(once.request_headers),
            request_body=self._body(once.request_body, once.request_headers),
            reason=self._text(once.reason),
            response_headers=self._headers(once.response_headers),
            response_body=self._body(once.response_body, once.response_headers),
            failure=self._text(without_login(once.failure)),
        )
        clean = at_once(named.with_texts, self._labels.replace)
        sent = _measured(clean.request_headers, raw.request_body, clean.request_body)
        received = _measured(clean.response_headers, raw.response_body, clean.response_body)
        values = {one.name: getattr(clean, one.name) for one in fields(Exchange)}
        values |= {"request_headers": sent, "response_headers": received}
        values["reports"] = self._reports(raw.reports)
        given = raw.proofs if isinstance(raw, Redacted) else lines(raw.request_headers, "dpop")
        return Redacted(**values, proofs=tuple(map(self._proof, given)))

    def _proof(self, text: str) -> str:
        """What looks like a proof, right or wrong, and holds no secret; of all else the label."""
        parts = [text, *map(decoded, text.split(".")[:2])]
        once = self._labels.replace(parts, but="proof")
        plain = text.startswith("ey") and [text, *map(self._text, once[1:])] == parts == once
        return text if plain else self._labels.label("proof", text)

    def _reports(self, reports: tuple[Report, ...]) -> tuple[Report, ...]:
        """The reports without the secrets that a client put where a row looked."""

        def clean(texts: list[str]) -> list[str]:
            return self._labels.replace([self._text(self._url(text)) for text in texts])

        return at_once(lambda change: tuple(one.with_texts(change) for one in reports), clean)

    def kinds(self) -> list[str]:
        """The kinds of the long secrets that were seen and taken out, as in their labels."""
        return self._labels.kinds(LONG)

    def known(self, texts: list[str]) -> list[str]:
        """The texts without the long secrets that were seen so far."""
        return self._labels.replace(texts)

    def text(self, text: str) -> str:
        """A text that may hold any secret, without those known and those that a name gives away."""
        named = self._text(self._labels.replace([text])[0])
        return self._labels.replace([named])[0]

    def _headers(self, headers: Headers) -> Headers:
        return tuple((name, self._header(name, value)) for name, value in headers)

    def _url(self, url: str) -> str:
        place, *query = re.split("(?=[?#])", url, maxsplit=1)
        user = USER.sub(self._user, place)
        return user + self._pairs(IN_A_URL, "".join(query))

    def _header(self, name: str, value: str) -> str:
        match name.lower():
            case "authorization" | "proxy-authorization":
                return self._credentials(value.strip())
            case "dpop":
                for secret in private_members(read_jws(value)):
                    self._labels.know("private_key", secret)
                return value if self._show_proofs else self._labels.label("proof", value)
            case "cookie":
                return ";".join(map(self._cookie, value.split(";")))
            case "set-cookie":
                pair, mark, attributes = value.partition(";")
                return self._cookie(pair) + mark + attributes
        kind = KINDS.get(squeezed(name.lower().removeprefix("x-")))
        if kind or name.lower().endswith(("token", "secret", "key")):
            return self._labels.label(kind or "credentials", value)
        return self._text(self._url(value))

    def _credentials(self, value: str) -> str:
        scheme, rest = [*value.split(maxsplit=1), "", ""][:2]
        if not rest:
            return self._labels.label("credentials", value)
        if scheme.lower() in ("dpop", "bearer"):
            return f"{scheme} {self._labels.label('access_token', rest.strip())}"
        if scheme.lower() == "basic":
            self._know_password(rest.strip())
        return f"{scheme} {self._labels.label('credentials', rest.strip())}"

    def _know_password(self, pair: str) -> None:
        for password in passwords_in(pair):
            self._labels.know("client_secret", password)

    def _cookie(self, pair: str) -> str:
        name, mark, value = pair.rpartition("=") if "=" not in pair else pair.partition("=")
        return name + mark + self._labels.label("cookie", value.strip())

    def _body(self, body: str, headers: Headers) -> str:
        types = (value for name, value in headers if name.lower() == "content-type")
        content_type = next(types, "")
        media_type = content_type.partition(";")[0].strip().lower()
        if media_type == "application/x-www-form-urlencoded":
            return self._pairs(IN_A_FORM, body)
        if media_type.startswith("multipart/") and (boundary := BOUNDARY.search(content_type)):
            mark = "--" + boundary[1].strip()
            return mark.join(map(self._part, body.split(mark)))
        return self._text(body)

    def _part(self, part: str) -> str:
        """A part of a multipart body, from one boundary to the next."""
        head, gap, value = [*re.split(r"(\r?\n\r?\n)", part, maxsplit=1), "", ""][:3]
        name, content = FIELD.search(head), value.rstrip("\r\n")
        shown = self._value(name[1] if name else "", content)
        return head + gap + shown + value[len(content) :]

    def _pairs(self, mark: re.Pattern[str], text: str) -> str:
        return "".join(map(self._pair, mark.split(text)))

    def _pair(self, pair: str) -> str:
        name, equals, spelled = pair.partition("=")
        if not equals:
            return self._text(pair)
        value = unquote_plus(spelled)
        shown = self._value(unquote_plus(name), value)
        return self._text(name) + equals + (spelled if shown == value else shown)

    def _value(self, name: str, value: str) -> str:
        """What is shown for the value of a parameter."""
        kind = PARAMETERS.get(squeezed(name))
        return self._labels.label(kind, value) if kind else self._text(value)

    def _text(self, text: str) -> str:
        if len(text) < SHORTEST:
            return text
        start = text.lstrip("\ufeff \t\r\n")[:1]
        if start in ("{", "[", '"') and (names := member_names(text)) is not None:
            return self._json(text, JWK_PRIVATE if "kty" in names else frozenset())
        for user in (USER_IN_TEXT, USER_ESCAPED):
            text = user.sub(self._user, text)
        return LOOSE.sub(self._loose, without_keys(text, self._key))

    def _user(self, match: re.Match[str]) -> str:
        return self._labels.label("credentials", match[0])

    def _key(self, text: str) -> str:
        for piece in key_pieces(text):
            self._labels.know("private_key", piece)
        return self._labels.label("private_key", text)

    def _loose(self, match: re.Match[str]) -> str:
        shown = self._labels.label(*named(match))
        return f"{match['name']}{match['gap']}{match['quote'] or ''}{shown}"

    def _json(self, text: str, private: frozenset[str]) -> str:
        """JSON text with everything but the secrets left as it was written."""
        done, position = [], 0
        while match := STRING.search(text, position):
            string, end = json.loads(match[1]), match.end()
            done.append(text[position : match.start()])
            if not match[2]:
                shown = self._text(string)
                done.append(match[0] if shown == string else json.dumps(shown))
            elif kind := KINDS.get(squeezed(string), string if string in private else ""):
                value, end = DECODE(text, end)
                value = value if isinstance(value, str) else text[match.end() : end]
                done.append(match[0] + json.dumps(self._labels.label(kind, value)))
            else:
                done.append(match[0])
            position = end
        return "".join(done) + text[position:]


def _measured(headers: Headers, before: str, after: str) -> Headers:
    length = str(len(after.encode("utf-8", "surrogatepass")))
    return tuple(
        (name, length if name.lower() == "content-length" and before != after else value)
        for name, value in headers
    )
