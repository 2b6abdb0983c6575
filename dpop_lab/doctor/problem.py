"""One thing that is wrong, and what to do about it: at a row, or what no row asks for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from dpop_lab.checking import Check, Finding
from dpop_lab.doctor.advice import advise
from dpop_lab.jose.jws import read_jws, salvaged
from dpop_lab.proof import rules
from dpop_lab.server.access_token import not_expired
from dpop_lab.session.call import API, Call
from dpop_lab.session.decoded import thumbprint_or_none
from dpop_lab.show import Block, Card, Shown
from dpop_lab.show.values import cut, date, is_time, offset, shown
from dpop_lab.wire.secrets import leaked
from dpop_lab.wire.syntax import without_query

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")


@dataclass(frozen=True, slots=True, repr=False)
class Problem(Shown):
    """One thing that is wrong, and what to do about it; what is not known of it is empty."""

    title: str
    action: str
    #: Where the rule is written.
    section: str = ""
    wanted: str = ""
    found: str = ""
    #: The name of the row that says so.
    row: str = ""
    #: How binding it is: `must`, `should` or `free`.
    grade: str = ""
    #: The rows, topics and error codes it accounts for: the server's words about them tell no more.
    explains: tuple[str, ...] = ()
    at_server: bool = False  #: Is it the server's fault?
    quoted: str = ""  #: the server's words, where it goes by them

    @classmethod
    def at(
        cls, row: Check, said: str, action: str, wanted: str = "", found: str = "", defect: str = ""
    ) -> Self:
        """What fails at a row, in words."""
        title, grade = f"{row.name}: {said}", row.graded(defect)
        return cls(title, action, row.section, wanted, found, row.name, grade)

    @classmethod
    def of(cls, finding: Finding, call: Call) -> Self:
        """What a row says that failed; a time has its date and the clock that decides beside it."""
        row, value, defect = finding.check, finding.found, finding.defect
        found = shown(value, 200)
        if row in (rules.fresh, not_expired) and is_time(value) and call.clock and date(value):
            time, whose = call.clock
            found += f" ({date(value)}, {offset(value, time)} {whose})"
        said = f"{row.question} No: {defect.replace('_', ' ')}"
        wanted = shown(finding.wanted, 200) if finding.wanted != "" else ""  # it is not known
        return cls.at(row, said, advise(finding, call), wanted, found, defect)

    @property
    def card(self) -> Card:
        """The title over what to do, and what the row wanted and found."""
        facts = (
            ("what to do", self.action),
            ("the server said", self.quoted),
            ("wanted", self.wanted),
            ("found", self.found),
            ("section", ", ".join(filter(None, (self.section, self.grade)))),
        )
        return Card(self.title, "failed", facts)

    def blocks(self) -> Iterator[Block]:
        """The card alone."""
        yield self.card


def other_problems(call: Call) -> Iterator[Problem]:
    """Tokens in the wrong place or not bound, keys that leaked, answers that never came."""
    good = call.status is not None and call.status < 300
    if call.exchange.failure:
        yield Problem(
            f"No answer came: {shown(call.exchange.failure, 200)}",
            "Look at the address, the network, its proxy and certificates.",
        )
    yield from _leaked_elsewhere(call)
    count = sum(name.lower() == "authorization" for name, _ in call.headers)
    if count > 1 and not good:
        yield Problem(
            f"There are {count} Authorization headers",
            "Send one Authorization header: which of several counts, each server decides.",
            "RFC 9110 §11.6.2",
        )
    for one in call.challenges or ():
        if one.scheme == "dpop":
            taken = one.parameters.get("algs", "").split()
            yield from unsupported_alg(call, taken, "the challenge")
    yield from _small_letters(call)
    in_body = call.place == API and "access_token" in call.form
    if "access_token=" in call.url.partition("?")[2] or in_body:
        yield Problem(
            "The access token stands in the URL or the body",
            "Send it in Authorization: DPoP alone; the other ways are for Bearer tokens.",
            "RFC 9449 §7.1",
        )
    if (found := query_in_htu(call)) and not good:
        yield found
    if call.issued:
        yield from _badly_bound(call)


def _badly_bound(call: Call) -> Iterator[Problem]:
    """A new access token that is bound to no key, or to another one than the proof's."""
    if call.token_type.lower() == "bearer" and (call.is_proof or "proof" in call.hidden):
        yield Problem(
            "token_type: Bearer came in answer to a proof, so the token is bound to no key",
            "The server passed over the DPoP header: does it know DPoP, for this client?",
            "RFC 9449 §5",
            "DPoP",
            call.token_type,
        )
    issued = read_jws(call.issued)
    cnf = issued.claims.get("cnf")
    if call.token_type.lower() == "dpop" and issued.claims and not cnf:
        yield Problem(
            "token_type says DPoP, but the access token has no cnf.jkt: it is bound to no key",
            "The authorization server has to put cnf.jkt into it, or the APIs have to ask it by"
            " introspection. Till then a proof by any key would do.",
            "RFC 9449 §6.1",
            "cnf with jkt",
            "nothing",
            at_server=True,
        )
    bound = cnf.get("jkt") if isinstance(cnf, dict) else None
    mine = thumbprint_or_none(call.proof.header.get("jwk"))
    if mine and bound and bound != mine:
        from dpop_lab.doctor.advice.hashes import thumbprint_made  # a wrong hash is rare

        how = thumbprint_made(bound, call.proof.header["jwk"], call.proof.header)
        yield Problem(
            f"cnf.jkt: it is made of the proof's key, but it {how}"
            if how
            else "cnf.jkt: the new access token is bound to another key than the proof's",
            f"The issuer has to use the JWK thumbprint (RFC 7638): {mine}."
            if how
            else f"The server has to bind it to the key of the proof in its request: {mine}.",
            "RFC 9449 §6.1",
            mine,
            shown(bound, 80),
            at_server=True,
        )


def _leaked_elsewhere(call: Call) -> Iterator[Problem]:
    """Private members where the row does not look: in half a proof, in a string, beside jwk."""
    if not call.is_proof:
        return
    proof = salvaged(call.proofs[0])
    header = dict(proof.header)
    if not call.proof.problem and isinstance(header.get("jwk"), dict):
        del header["jwk"]
    if names := leaked([header, proof.claims]):
        yield Problem.at(
            rules.no_private_key,
            f"beside a jwk that is an object stands {', '.join(names)[:60]}",
            "This key has leaked: make a new one, put its public members alone into jwk.",
        )


def unsupported_alg(call: Call, taken: Sequence[object], where: str) -> Iterator[Problem]:
    """The proof's algorithm, where a server's text names others that it takes."""
    mine = call.proof.header.get("alg")
    if isinstance(mine, str) and taken and mine not in taken:
        named = ", ".join(map(str, taken))
        yield Problem.at(
            rules.alg,
            f"{where} names algorithms, and the proof's is not one of them",
            f"Sign with one of {cut(repr(named)[1:-1], 100)}, with a fitting key.",
            shown(named, 200),
            shown(mine, 200),
            "unsupported",
        )


def _small_letters(call: Call) -> Iterator[Problem]:
    """A method in small letters, where the request's own is not known."""
    htm = call.proof.claims.get("htm")
    if not call.method and isinstance(htm, str) and htm != htm.upper() and htm.upper() in METHODS:
        yield Problem.at(
            rules.htm,
            "it is in small letters",
            f"Write htm in capital letters, {htm.upper()}: it is compared as it stands.",
            repr(htm.upper()),
            repr(htm),
        )


def query_in_htu(call: Call) -> Problem | None:
    """An htu with a query or a fragment: many servers pass over them, others do not."""
    htu = call.proof.claims.get("htu")
    if not isinstance(htu, str) or not {"?", "#"} & {*htu} or without_query(htu) == htu:
        return None
    sign, part = ("?", "query") if "?" in htu else ("#", "fragment")
    url = without_query(htu)
    return Problem.at(
        rules.htu,
        f"it has a {part}",
        f"htu has a {part}: send {cut(repr(url)[1:-1], 200)}.",
        shown(url, 200),
        shown(f"{url}{sign}…", 200),
    )
