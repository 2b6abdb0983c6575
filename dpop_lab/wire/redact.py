"""Where an HTTP message holds secrets: its fields by name, then long values wherever they are."""

import json
import re
from collections.abc import Mapping
from dataclasses import fields, replace
from itertools import pairwise
from urllib.parse import quote, unquote_plus

from dpop_lab.checking import Report
from dpop_lab.jose.encoding import whole_number
from dpop_lab.jose.jws import LONGEST, decoded_parts, read_jws
from dpop_lab.show.values import at_once
from dpop_lab.wire.labels import LONG, MOST, Labels, passwords_in
from dpop_lab.wire.message import Exchange, Headers, Redacted, first, lines, measured
from dpop_lab.wire.secrets import (
    JWK_PRIVATE,
    KINDS,
    LOOSE,
    NAME,
    OF_A_FLOW,
    PARAMETERS,
    key_pieces,
    member_names,
    named,
    squeezed,
    without_keys,
)
from dpop_lab.wire.syntax import without_login

DECODER = json.JSONDecoder(parse_int=whole_number)
FORM = "application/x-www-form-urlencoded"
SHORTEST = len("?code=x")  # no text that is shorter can name a secret and hold it

# every pattern takes time in proportion to the text: no repetition may be tried in many ways
STRING = re.compile(r'("(?:[^"\\]++|\\.)*+(?:"|\\?\Z))(\s*+:\s*+)?', re.S)
USER = re.compile(r"(?<=://)[^/?#@\s]+(?=@)")
USER_IN_TEXT = re.compile(r"""(?<=://)[^/?#\s"<>]+(?=@)""")
USER_ESCAPED = re.compile(  # in JSON of PHP, in a parameter
    r"""(?<=:\\/\\/)[^/?#\s"<>]+(?=@)|(?<=%3A%2F%2F)(?:[^\s"'<>%/?#&@]|%(?!2F|3F|23))+(?=%40)""",
    re.I,
)
WITHIN = " <>/?:@=,;!$'()*~"  # stands for itself in a value of which a part is hidden
IN_A_URL, IN_A_FORM = re.compile("([&?#])"), re.compile("(&)")  # what parts parameters
A_FLOW = re.compile(r"(?:^|[?&#])(?:response_type|code|code_challenge|error|id_token|client_id)=")
PLAIN = OF_A_FLOW | {"codechallenge": "code_verifier"}  # the method: the one is the other
S256 = re.compile(r"[&?#]code_challenge_method=S256(?![^&#])")
MEMBERS_OF_A_FLOW = {"code_verifier", "redirect_uri", "codeVerifier", "redirectUri"}
AT_TIMES = {"code", "authcode", "authorizationcode", "token"}  # members that may be secret
SAID = re.compile(r"(?:code|token|state|verifier|uri)\b.{0,90}?[\w.~+/=-]{20}", re.I | re.S)
BEHIND_A_NAME = re.compile("[:=>]")
COOKIES = re.compile(r"\n|,\s*+(?=[^\s=;,]++=)")  # what parts those that a HAR has in one line
EMBEDDED = re.compile(r"<(?:button|input|meta|param)\b|%(?:25)*3D", re.I)


class Redactor:
    """Takes the secrets out of one exchange after another; `labels` has those it has seen last."""

    def __init__(self, *, shortest: int = LONG, most: int = MOST) -> None:
        self.labels = Labels(shortest, most)

    def exchange(self, raw: Exchange) -> Redacted:
        """The exchange without its secrets, and with the Content-Length of a changed body."""
        # names are read first: a value that was seen may look like one; then every long value goes
        clean = at_once(self.named(raw).with_texts, self.labels.replace)
        given = raw.proofs if isinstance(raw, Redacted) else lines(raw.request_headers, "dpop")
        values = {one.name: getattr(clean, one.name) for one in fields(Exchange)}
        values["reports"] = self._reports(raw.reports)
        for side in ("request", "response"):
            headers, body = f"{side}_headers", f"{side}_body"
            if values[body] != getattr(raw, body):
                values[headers] = measured(values[headers], values[body])
        return Redacted(**values, proofs=tuple(map(self._proof, given)))

    def named(self, raw: Exchange) -> Exchange:
        """The exchange without the values that a name gives away, which are known from now on."""
        return replace(
            raw,
            url=self._url(raw.url),
            request_headers=self._headers(raw.request_headers),
            request_body=self._body(raw.request_body, raw.request_headers),
            reason=self._text(raw.reason),
            response_headers=self._headers(raw.response_headers),
            response_body=self._body(raw.response_body, raw.response_headers),
            failure=self._text(without_login(raw.failure)),
        )

    def _proof(self, text: str) -> str:
        """What looks like a proof, right or wrong, and holds no secret; of all else the label."""
        parts = [text, *decoded_parts(text)]
        once = self.labels.replace(parts, but="proof")
        plain = [text, *map(self._text, once[1:])] == parts == once and len(text) <= LONGEST
        return text if plain and text.startswith("ey") else self.labels.label("proof", text)

    def _reports(self, reports: tuple[Report, ...]) -> tuple[Report, ...]:
        """The reports without the secrets that a client put where a row looked."""

        def clean(texts: list[str]) -> list[str]:
            return self.labels.replace([self._text(self._url(text)) for text in texts])

        return at_once(lambda change: tuple(one.with_texts(change) for one in reports), clean)

    def text(self, text: str) -> str:
        """A text that may hold any secret, without those known and those that a name gives away."""
        return self.labels.replace([self._text(text)])[0]

    def _headers(self, headers: Headers) -> Headers:
        return tuple((name, self._header(name, value)) for name, value in headers)

    def _header(self, name: str, value: str) -> str:
        match name.lower():
            case "authorization" | "proxy-authorization":
                return self._credentials(value)
            case "dpop":
                jwk = read_jws(value).header.get("jwk")
                for member, secret in jwk.items() if isinstance(jwk, dict) else ():
                    if member in JWK_PRIVATE and isinstance(secret, str):
                        self.labels.know("private_key", secret)
                for part in decoded_parts(value):
                    self._text(part)  # from now on the secrets in it are known
                return self.labels.label("proof", value)
            case "cookie":
                return ";".join(map(self._cookie, value.split(";")))
            case "set-cookie":
                return ", ".join(map(self._cookie, COOKIES.split(value)))
        kind = KINDS.get(squeezed(name.lower().removeprefix("x-")))
        if kind or re.search("(?<!websocket-)(?<!idempotency-)(token|secret|key)$", name, re.I):
            return self.labels.label(kind or "secret", value)
        return self._text(self._url(value))

    def _credentials(self, value: str) -> str:
        scheme, rest = ["", "", *value.split(maxsplit=1)][-2:]
        for password in passwords_in(rest) if scheme.lower() == "basic" else ():
            self.labels.know("client_secret", password)
        kind = "access_token" if scheme.lower() in ("dpop", "bearer") else "credentials"
        return f"{scheme} {self.labels.label(kind, rest.strip())}".lstrip()

    def _cookie(self, line: str) -> str:
        pair, mark, attributes = line.partition(";")
        name, equals, value = pair.partition("=") if "=" in pair else ("", "", pair)
        return name + equals + self.labels.label("cookie", value.strip()) + mark + attributes

    def _url(self, url: str) -> str:
        if not IN_A_URL.search(url) and "@" not in url:
            return url
        place, *query = re.split("(?=[?#])", url, maxsplit=1)
        return USER.sub(self._user, place) + self._pairs(IN_A_URL, "".join(query))

    def _body(self, body: str, headers: Headers) -> str:
        content_type = first(headers, "content-type")
        media_type = content_type.partition(";")[0].strip().lower()
        if media_type == FORM:
            return self._pairs(IN_A_FORM, body)
        if not media_type.startswith("multipart/"):
            return self._text(body)
        from dpop_lab.wire.embedded import without_parts  # when used

        return without_parts(body, content_type, self._value)

    def _pairs(self, mark: re.Pattern[str], text: str) -> str:
        kinds = OF_A_FLOW if A_FLOW.search(text) else PARAMETERS
        kinds = PLAIN if "code_challenge=" in text and not S256.search(text) else kinds
        return "".join(self._pair(pair, kinds) for pair in mark.split(text))

    def _pair(self, pair: str, kinds: Mapping[str, str]) -> str:
        name, equals, spelled = pair.partition("=")
        if not equals:
            return self._text(pair)
        value = unquote_plus(spelled)
        if (shown := self._value(unquote_plus(name), value, kinds)) == value:
            return self._text(pair)
        return self._text(name) + equals + quote(shown, WITHIN, errors="replace")

    def _value(self, name: str, value: str, kinds: Mapping[str, str] = OF_A_FLOW) -> str:
        kind = kinds.get(squeezed(name))
        return self.labels.label(kind, value) if kind else self._text(self._url(value))

    def _text(self, text: str) -> str:
        if len(text) < SHORTEST:
            return text
        start = text.lstrip("\ufeff \t\r\n")[:1]
        if start in ("{", "[", '"') and (names := member_names(text)) is not None:
            return self._members(text, names)
        for user in (USER_IN_TEXT, USER_ESCAPED) if "@" in text or "%40" in text else ():
            text = user.sub(self._user, text)
        text = without_keys(text, self._key)
        if embedded := EMBEDDED.search(text):
            from dpop_lab.wire.embedded import without_encoded, without_fields  # when used

            text = without_fields(text, self._value)
        if BEHIND_A_NAME.search(text) and (named := [*NAME.finditer(text)]):
            text = LOOSE.sub(self._loose, self._between(named, text))
        if SAID.search(text):
            from dpop_lab.wire.handles import without_said  # when used

            text = without_said(text, self.labels.label)
        return without_encoded(text, self._text) if embedded else text

    def _members(self, text: str, names: set[str]) -> str:
        """JSON, by the names of its members."""
        if names & {"queryString", "postData", "cookies"}:
            from dpop_lab.wire.embedded import without_lists  # of a HAR, when used

            text = without_lists(text, self._value, self._header)
        kinds = OF_A_FLOW if names & MEMBERS_OF_A_FLOW else KINDS
        return self._json(text, kinds | JWK_PRIVATE if "kty" in names else kinds)

    def _between(self, names: list[re.Match[str]], text: str) -> str:
        """The text without known values that go on where one behind a name seems to end."""
        spans = [(max(0, name.start() - 1), name.end()) for name in names]
        ends = [0, *(end for span in spans for end in span), len(text)]
        parts = [text[start:end] for start, end in pairwise(ends)]
        parts[::2] = self.labels.replace(parts[::2])
        return "".join(parts)

    def _user(self, match: re.Match[str]) -> str:
        return self.labels.label("credentials", match[0])

    def _key(self, text: str) -> str:
        for piece in key_pieces(text):
            self.labels.know("private_key", piece)
        return self.labels.label("private_key", text)

    def _loose(self, match: re.Match[str]) -> str:
        shown = self.labels.label(*named(match))
        return f"{match['name']}{match['gap']}{match['quote'] or ''}{shown}"

    def _random(self, name: str, text: str, start: int) -> str:
        if name not in AT_TIMES:
            return ""
        from dpop_lab.wire.handles import random_member  # when used

        return random_member(name, text, start)

    def _json(self, text: str, kinds: Mapping[str, str]) -> str:
        """JSON text with everything but the secrets left as it was written."""
        done, position = [], 0
        while match := STRING.search(text, position):
            string = json.loads(match[1]) if "\\" in match[1] else match[1][1:-1]
            end, shown = match.end(), match[0]
            name = squeezed(string) if match[2] else ""
            if name and (kind := kinds.get(name) or self._random(name, text, end)):
                value, end = DECODER.raw_decode(text, end)
                value = value if isinstance(value, str) else text[match.end() : end]
                shown += json.dumps(self.labels.label(kind, value))
            elif not match[2] and (clean := self._text(string)) != string:
                shown = json.dumps(clean)
            done += [text[position : match.start()], shown]
            position = end
        return "".join(done) + text[position:]
