"""JWTs that a debugger or a log shows decoded: objects, or claims listed line by line."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from dpop_lab.doctor.paste.jwts import (
    ID_TOKEN,
    JWT,
    MOST_JWTS,
    PROOF,
    REFRESH,
    REFRESH_TYP,
    TOKEN,
    kind_of,
)
from dpop_lab.doctor.paste.notation import BEGINS, listed_in, objects_in
from dpop_lab.doctor.paste.pasted import Pasted, merged, placeholder
from dpop_lab.jose.encoding import base64url_encode, whole_number
from dpop_lab.session.call import NOTHING as not_sent
from dpop_lab.session.call import Call
from dpop_lab.wire.message import Headers

HEADER, CLAIMS = "header", "claims"
MEMBERS = {  # what a proof and an access token have; of a part that is not there each is unseen
    (PROOF, HEADER): ("typ", "alg", "jwk"),
    (PROOF, CLAIMS): ("jti", "htm", "htu", "iat", "ath", "nonce"),
    (TOKEN, HEADER): ("typ", "alg"),
    (TOKEN, CLAIMS): ("iss", "aud", "exp", "cnf"),
}
NO_TOKEN = {"active", "access_token", "token_type", "jwks_uri", "resource", "error", "keys", "kty"}
OF_A_LOG = set(
    "level lvl severity msg message err error error_description code reason detail status".split()
)
NAMED = re.compile(  # a claim of a proof, as a log names it among other things
    r"(?=dpop|proof|sent)(?!dpop[_.-]?nonce)(?:dpop[_.-]?|sent[_.-]?)?(?:proof[_.-]?)?"
    r"(jti|htm|htu|iat|ath|nonce)",
    re.I,
)
WITH_CLAIMS = re.compile(r"\w\.\w")  # others are cut off
STATUS = {"status", "status_code", "statusCode", "http_status"}
MOST = 200  # parts of JWTs, of which 20 are told
IN_A_LINE = re.compile(r"\bht[mu]=\S+[ ,;]+ht[mu]=")  # of a log, which names those it likes
ENOUGH = 3  # claims of a list that is taken for all there are
OF_PROOFS = {"typ": "dpop+jwt"}  # by which one is known that has neither htm nor htu
NESTED = 3  # levels of objects in objects
NOTHING = f"{{{' ' * 9}}}"  # an object without members that is long enough to be known as one
FORM = " in decoded form"
DECODED = "It is decoded already: without the text itself its signature can't be verified."


class Named(dict[str, Any]):
    """Claims of a proof that stand by their names among what a line of a log tells of a request."""


@dataclass(slots=True)
class Jwt:
    """The parts of a JWT as far as they were found."""

    kind: str
    parts: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    listed: bool = False  #: are there single claims, and perhaps more that nobody listed?
    end: int = 0  #: where in a text its claims end, or else its header

    def unseen(self) -> Iterator[str]:
        """The members that are not here, or stand for a value that is not."""
        what = self.kind.split()[-1]
        yield f"{what}.signature"
        for part in (HEADER, CLAIMS):
            have = self.parts.get(part)
            for name in MEMBERS[self.kind, part]:
                lacks = have is None or (self.listed and name not in have)
                value = (have or {}).get(name)
                if lacks or (value != "JWT" and is_blank(value)):
                    yield f"{what}.{name}"

    def text(self) -> str:
        """It as it would be sent, without a signature."""
        unknown = OF_PROOFS if isinstance(self.parts.get(CLAIMS), Named) else {}
        found = (self.parts.get(part) or unknown for part in (HEADER, CLAIMS))
        parts = [json.dumps(one, default=str) if one else NOTHING for one in found]
        return ".".join([*(base64url_encode(one.encode("utf-8", "replace")) for one in parts), ""])


def is_blank(value: object) -> bool:
    """Does it, or a member of it, stand for a value that is not here?"""
    if isinstance(value, Mapping):
        return any(map(is_blank, value.values()))
    return isinstance(value, str) and bool(placeholder(value))


def encoded(text: str, tells: Callable[[Mapping[str, Any]], object]) -> tuple[str, list[Jwt]]:
    """The text with each proof and access token that it shows decoded as it would be sent.

    So whoever reads the text finds them where they stand. An object that `tells` something else is
    kept beside them; what is there as it was sent, too, is not looked for.
    """
    whole = (one[0] for one in islice(JWT.finditer(text), MOST_JWTS) if WITH_CLAIMS.search(one[0]))
    sent = set(map(kind_of, whole))
    objects = [(start, end, [*parts_of(value)], value) for start, end, value in objects_in(text)]
    found = [(end, *part) for _, end, parts, _ in objects for part in parts]
    jwts = _put_together(found)
    if not jwts and "://" in (claims := listed_in(text)).get("htu", ""):
        text = BEGINS.sub(lambda found: found[0] if found["rest"] is None else "", text)
        some = len(claims) < ENOUGH or IN_A_LINE.search(text) is not None
        jwts = [Jwt(PROOF, {CLAIMS: claims}, some, end=len(text))]
    jwts = [one for one in jwts if one.kind not in {*sent, REFRESH}]
    pieces, at = [], 0
    for start, end, parts, value in objects:
        if parts:
            kept, named = end if tells(value) else start, isinstance(parts[0][2], Named)
            made = "".join(f" {one.text()} " for one in jwts if one.end == end)
            pieces += [text[at:kept], made * (not named or kept == start)]  # else it tells of it
            at = end
    pieces += [text[at:], *(f"\n{one.text()}" for one in jwts if one.end == len(text))]
    return "".join(pieces), jwts


def known_as_decoded(told: Pasted, jwts: list[Jwt]) -> Pasted:
    """What was told of a text in which these JWTs were `encoded`, with what is unseen of each."""
    placed = {text for call in told.calls for text in (*call.proofs, call.token)}
    if lost := [one for one in jwts if one.text() not in placed]:  # behind a raw message, say
        *others, last = told.calls or (Call(),)  # a document alone has none
        told = replace(told, calls=(*others, merged(last, of_jwts(lost))))
    if all(one.exchange is not_sent for one in told.calls):
        told = replace(told, kind=" and ".join(dict.fromkeys(map(_kind, jwts))) + FORM)
    unseen = {one.text(): [*one.unseen()] for one in jwts}
    calls = []
    for call in told.calls:
        names = (name for one in (*call.proofs, call.token) for name in unseen.get(one, ()))
        listed = any(one.listed and one.text() in call.proofs for one in jwts)
        calls.append(replace(call, unseen=tuple(names), whole=call.whole and not listed))
    return replace(told, calls=tuple(calls), remarks=tuple(dict.fromkeys([DECODED, *told.remarks])))


def _kind(jwt: Jwt) -> str:
    """What it is, in words."""
    return ID_TOKEN if kind_of(jwt.text()) == ID_TOKEN else jwt.kind


def parts_of(value: Any, levels: int = NESTED) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Kind and part of each part of a JWT in an object; claims may be of any kind: ''."""
    if not isinstance(value, Mapping) or not levels:
        return
    names, typ = set(map(str, value)), str(value.get("typ", "")).lower()
    if named := named_claims(value):
        yield PROOF, CLAIMS, named
    elif typ in REFRESH_TYP:
        yield REFRESH, CLAIMS, value
    elif "jwk" in names or typ == "dpop+jwt":
        yield PROOF, HEADER, value
    elif names & {"htm", "htu"} and not (names & OF_A_LOG and not names & {"jti", "iat"}):
        yield PROOF, CLAIMS, value
    elif "alg" in names and names & {"typ", "kid"} and not names & NO_TOKEN:
        yield TOKEN, HEADER, value
    elif not names & NO_TOKEN and (
        "cnf" in names
        or (names & {"exp", "iat"} and names & {"iss", "sub", "aud", "scope", "scp", "client_id"})
    ):
        yield TOKEN, CLAIMS, value
    elif names & {"jti", "iat", "ath"} and not names & (NO_TOKEN | OF_A_LOG):
        yield "", CLAIMS, value
    else:
        for one in value.values():
            yield from parts_of(one, levels - 1)


def named_claims(members: Mapping[Any, Any]) -> Named:
    """The claims of a proof that members have in their names, such as `proof_nonce`."""
    found = ((NAMED.fullmatch(str(name)[:40]), value) for name, value in members.items())
    told = {one[1].lower(): value for one, value in found if one and value}
    if "jti" in members and STATUS & members.keys():  # a server's note of what came of a proof
        told = {name: members[name] for name in MEMBERS[PROOF, CLAIMS] if name in members}
    if str(told.get("iat", "")).isdecimal():
        told["iat"] = whole_number(told["iat"])
    return Named(told)


def header_named(members: Mapping[Any, Any]) -> Headers:
    """The header line of a proof of which claims stand by their names, as it may have been."""
    claims = named_claims(members)
    return (("DPoP", Jwt(PROOF, {CLAIMS: claims}).text()),) if claims else ()


def _put_together(parts: list[tuple[int, str, str, Mapping[str, Any]]]) -> list[Jwt]:
    """Each header with the claims that follow, or stand before it."""
    jwts: list[Jwt] = []
    for end, kind, part, value in parts[:MOST]:
        last = jwts[-1] if jwts else Jwt("")
        if part == CLAIMS and [*last.parts] == [HEADER]:  # whatever the header says it is
            last.kind = kind if kind in (PROOF, REFRESH) else last.kind
            kind = kind or last.kind
        elif not kind:
            kind = PROOF if "ath" in value else TOKEN
        lacks = [one for one in jwts if one.kind == kind and part not in one.parts]
        if not lacks:
            jwts.append(Jwt(kind))
        jwt = (lacks or jwts)[-1]
        jwt.parts[part] = value
        jwt.listed = jwt.listed or isinstance(value, Named)
        jwt.end = end if part == CLAIMS or not jwt.end else jwt.end
    return jwts


def of_jwts(jwts: list[Jwt]) -> Call:
    """The first decoded proof and the first access token, as what could have been sent."""
    first = {one.kind: one.text() for one in reversed(jwts)}
    proofs = tuple(text for kind, text in first.items() if kind == PROOF)
    unseen = tuple(name for one in jwts if one.text() == first[one.kind] for name in one.unseen())
    return Call(proofs=proofs, token=first.get(TOKEN, ""), unseen=unseen)
