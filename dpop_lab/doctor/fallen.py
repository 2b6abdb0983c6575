"""What a server fell over in a good proof: a key of another kind, an identifier that is long."""

import re
from collections.abc import Iterator
from dataclasses import replace

from dpop_lab.doctor.problem import Problem
from dpop_lab.proof import rules
from dpop_lab.session.call import Call
from dpop_lab.show.values import shown

#: The members of a public key beside kty, by its kty (RFC 7518 §6, RFC 8037 §2).
MEMBERS = {"EC": ("crv", "x", "y"), "OKP": ("crv", "x"), "RSA": ("n", "e")}
#: A kind of key by the words for it, where the key is not there.
NAMES = {
    "OKP": re.compile(r"\b(?:OKP|Ed25519|EdDSA)\b"),
    "RSA": re.compile(r"\b(?:RSA|[RP]S256)\b"),
}
#: A member that a program looked for in vain, as its language says so.
IN_VAIN = re.compile(
    r"""(?:KeyError|key\s?not\s?found|undefined
      |undefined\sindex|null|nil|none|missing|required|lacks|has\sno)\b[^\n\w]{0,5}
      (?:(?:key|member|property|parameter|reading|for|value|field|coordinate)\b\W{0,4}){0,2}
      ["'`(\[]?(?<![\w])(?P<behind>crv|x|y|n|e)["'`)\]]?(?!\w)
    | (?<![\w.])["'`]?(?P<before>crv|[xyne])["'`]?\s
      (?:is|was|are)?\s?(?:missing|required|undefined|null|not\sfound|absent)""",
    re.X | re.I,
)
TOO_LONG = re.compile(
    r"too long|too large|truncat|longer than|max\w{0,9}.?length|exceeds? .{0,20}length",
    re.I,
)
ROOM = re.compile(
    r"\b(?:n?var|n)?char(?:acter)?2?(?: varying)?\W{1,3}(\d{2,4})(?!\d)"
    r"|\b(?:length|size|limit|most|exceeds?|than|maximum|max)\W{1,3}(?:of |is )?(\d{2,4})(?!\d)",
    re.I,
)
OF_A_JTI = re.compile(r"(?<![A-Za-z])jtis?\b", re.I)
SEVERAL = re.compile(
    r"\b(?:multiple|several|more than one|additional|extra|unexpected|unknown|unsupported"
    r"|only one)\W(?:\w+ ){0,3}(?:confirmation|cnf)\b",
    re.I,
)
EXPLAINED = (
    "server_error",
    "status",
    "any row",
    "unused",
    "jti",
    "jwk",
    "before",
    "bound_key",
    "no binding",
    "invalid_token",
    "invalid_dpop_proof",
)


def fallen_over(call: Call) -> Iterator[Problem]:
    """What is at fault in a server whose program, by its own words, could not go on."""
    yield from _further_in_cnf(call)
    words = f"{call.description}\n{call.around}"
    jwk = call.proof.header.get("jwk")
    kind = str(jwk.get("kty")) if isinstance(jwk, dict) else ""
    kind = kind or next((one for one, names in NAMES.items() if names.search(words)), "")
    wanted = {(one["behind"] or one["before"]).lower() for one in IN_VAIN.finditer(words)}
    if astray := wanted - {*MEMBERS.get(kind, wanted)}:
        name, curve = min(astray), ""
        if isinstance(jwk, dict) and "crv" in jwk:
            curve = f" ({str(jwk['crv'])[:20]})"
        other = next(one for one, has in MEMBERS.items() if name in has and one != kind)
        yield _at_server(
            rules.jwk.name,
            f"the server looks for {name} in the key, and an {kind}{curve} key has no {name}",
            f"The server has to go by kty: it treats each key as one of type {other}. A thumbprint"
            f" of an {kind} key is made of kty and {', '.join(MEMBERS[kind])} alone (RFC 7638 §3.2,"
            " RFC 8037 §2); what it does not take it has to refuse in words, and to leave out of"
            f" its metadata. Till then sign with a key of type {other}.",
        )
    if OF_A_JTI.search(words) and TOO_LONG.search(words):
        jti, room = call.proof.claims.get("jti"), ROOM.search(words)
        told = f": it has room for {room[1] or room[2]} characters" if room else ""
        told += f", this one has {len(jti)}" if isinstance(jti, str) else ""
        yield _at_server(
            rules.jti.name,
            f"the server can't keep this jti, which is too long for it{told}",
            "The server has to store any jti, best a hash of it of one length (SHA-256), and to"
            " refuse in words what it does not take. Till then a shorter jti, such as a UUID with"
            " its 36 characters, may get through.",
        )


def _further_in_cnf(call: Call) -> Iterator[Problem]:
    """A token that is refused for a member of cnf beside jkt, which nobody has to know."""
    words, cnf = f"{call.description}\n{call.around}", call.access_token.claims.get("cnf")
    if not SEVERAL.search(words) or (isinstance(cnf, dict) and "jkt" not in cnf):
        return
    names = [str(name) for name in cnf if name != "jkt"] if isinstance(cnf, dict) else []
    told = "".join(f", {shown(name, 40)}," for name in names[:1])
    yield _at_server(
        rules.bound_key.name,
        f"the server stumbles over a further member of cnf{told} beside jkt",
        "The server, or its library, has to ignore members of cnf that it does not know, and to go"
        " by jkt (RFC 7800 §3.1): update or mend the library. Till then the issuer may leave the"
        " member out.",
    )


def _at_server(row: str, said: str, action: str) -> Problem:
    one = Problem(f"{row}: {said}", action, row=row, at_server=True)
    return replace(one, explains=EXPLAINED, guess="likely")
