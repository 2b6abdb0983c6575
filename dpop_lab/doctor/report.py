"""What is told of a call that was examined: as blocks, and as JSON values for machines."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dpop_lab.checking import Finding, Report
from dpop_lab.doctor.examined import Examined
from dpop_lab.doctor.problem import Problem
from dpop_lab.jose.jws import salvaged
from dpop_lab.session.asked import Jwks
from dpop_lab.session.call import Call
from dpop_lab.session.decoded import drawn_proof, drawn_token, key_lines, thumbprint_or_none
from dpop_lab.show import Block, Card, Fold, Note, Table
from dpop_lab.show.html import SYMBOLS, marked
from dpop_lab.show.jwt import Jwt
from dpop_lab.show.values import Words, cut, shown
from dpop_lab.wire.secrets import harmless
from dpop_lab.wire.syntax import without_query

if TYPE_CHECKING:
    from dpop_lab.doctor.documents import Document

USUAL = ("typ", "alg", "kid", "jti", "sub", "client_id", "nbf", "scope")  # known to most readers


def preface(
    calls: list[Call], secrets: tuple[str, ...], remarks: tuple[str, ...], jwks: Jwks
) -> Iterator[Block]:
    """What is told before the calls: the kinds of secrets that were pasted, remarks, keys."""
    if secrets:
        *others, last = secrets
        held = f"{', '.join(others)} and {last}" if others else last
        what = "None of it is repeated here; replace what was shown to others."
        if "a private key" in secrets:
            what = "If others have seen it, make a new key. It is not repeated here."
        yield Note(f"What was pasted holds {held}, which others could use. {what}")
    yield from _listed(remarks)
    for url in [call.url for call in calls if call.url_guessed][:1]:
        said = "Raw requests do not say whether http or https; taken for"
        yield from _listed([f"{said} {url.partition('://')[0]}."])
    yield from (Table("A key", tuple(key_lines(jwk, harmless))) for jwk in jwks)


def headline(said: str, one: Examined | None, mark: str) -> Card:
    """What it is, the one cause, and the one thing to do."""
    if one is None:
        return Card(said, mark)
    first, call = one.problems[0], one.call
    told = not call.said or first.title.startswith(call.said)
    happened = "" if told else f"{one.outcome[0].lower()}{one.outcome[1:]}"
    where = ", ".join(filter(None, (call.name, happened, first.fault)))
    return Card(f"{said}\n{where[0].upper()}{where[1:]}: {first.said}", mark, first.card.facts)


def others(order: Iterable[Examined]) -> Iterator[Card]:
    """The problems but for the first, those of each exchange under its line."""
    for number, one in enumerate(order):
        cards = tuple(problem.card for problem in one.problems[number == 0 :])
        if number and one.call.name:
            yield from [Card(_line(one.call), "failed", parts=cards)] * bool(cards)
        else:
            yield from cards


def details(examined: Iterable[Examined], now: float, *, everything: bool) -> Iterator[Block]:
    """What each call says, and its rows: folded in HTML, in text below a line.

    Without `everything` an exchange among others of which nothing is wrong has a line of its own,
    and of the others what most readers know is left out.
    """
    before = set[str]()  # remarks, of which a line among others repeats none
    for one in examined:
        mark = "failed" if one.problems else "passed"
        line, several = _line(one.call), bool(one.call.name)
        short = several and not one.problems and not everything
        new = (remark for remark in one.remarks if remark not in before)
        parts = tuple(_listed(new) if short else told(one, now, everything))
        before.update(one.remarks)
        if several:
            said = f"{one.outcome}." if one.problems else one.verdict
            yield Fold(f"{line}. {said}", parts, mark)
        else:
            yield from [Note(line)] * bool(one.call.url)
            yield from parts


def _line(call: Call) -> str:
    request = " ".join(filter(None, (call.method, cut(without_query(call.url), 200))))
    return ": ".join(filter(None, (call.name, request)))


def told(one: Examined, now: float, everything: bool) -> Iterator[Block]:
    """One call: remarks, what it says, the rows."""
    call = one.call
    yield from _listed(one.remarks)
    for jwt in filter(None, (drawn_proof(call, now), drawn_token(call, now))):
        yield jwt if everything else jwt.without(USUAL)
    if challenges := tuple(_challenges(call)):
        yield Table("WWW-Authenticate", challenges)
    for report in one.reports:
        if report.findings:
            yield _rows(one.policy.name, report, everything)
    if one.missing:
        head = ("Rows", "Give")
        yield Table("Rows that can't be asked", tuple(_missing(one)), head, folded=True)


def _listed(remarks: Iterable[str]) -> Iterator[Block]:
    return (Note(f"- {remark}") for remark in remarks)


def _challenges(call: Call) -> Iterator[tuple[str, str]]:
    for each in call.challenges or ():
        told = ", ".join(f"{name}={shown(value, 200)}" for name, value in each.parameters.items())
        yield each.scheme, told or each.token68 or "no parameters"


def _rows(policy: str, report: Report, everything: bool) -> Table:
    """The rows that were asked, each with its mark, or only their names for each mark."""
    title, findings = f"{policy}, {report.profile}", report.findings
    if everything:
        rows = tuple((one.check.name, _seen(one)) for one in findings)
        marks = tuple(one.mark for one in findings)
        return Table(title, rows, ("Row", "Found"), marks, code=("Found",), folded=True)
    names = {mark: [one.check.name for one in findings if one.mark == mark] for mark in SYMBOLS}
    pairs = ((marked(mark, mark), ", ".join(rows)) for mark, rows in names.items() if rows)
    return Table(title, tuple(pairs))


def _seen(finding: Finding) -> str:
    match finding.mark:
        case "not asked":
            return f"needs {', '.join(finding.check.needs)}"
        case "passed":
            return shown(finding.found, 80)
    return f"wanted {shown(finding.wanted, 80)}, found {shown(finding.found, 80)}"


def _missing(one: Examined) -> Iterator[tuple[str, str]]:
    """The rows that could be asked, and what would have to be given for that."""
    for give in dict.fromkeys(one.missing.values()):
        yield ", ".join(row for row, each in one.missing.items() if each == give), give


# ---- as JSON


def values_of(one: Examined, now: float) -> dict[str, Any]:
    """One call with what was found, as JSON values; nothing in it is taken out yet."""
    call = one.call
    token = call.token or call.issued
    return {
        "name": call.name,
        "method": call.method or None,
        "url": without_query(call.url) or None,
        "place": call.place or None,
        "status": call.status,
        "error": call.error or None,
        "error_description": call.description or None,
        "challenges": [
            {"scheme": each.scheme, **each.parameters} for each in call.challenges or ()
        ],
        "verdict": one.verdict,
        "policy": one.policy.name,
        "jkt": thumbprint_or_none(call.proof.header.get("jwk")),
        "proof": _jwt(call.proofs[0], drawn_proof(call, now)) if call.is_proof else None,
        "access_token": _jwt(token, drawn_token(call, now)) if token else None,
        "problems": [
            {name: getattr(each, name) for name in Problem.__slots__} for each in one.problems
        ],
        "rows": [_row(finding) for report in one.reports for finding in report.findings],
        "not_asked": [{"row": row, "give": give} for row, give in one.missing.items()],
        "remarks": list(one.remarks),
    }


def key_values(jwk: object) -> dict[str, Any]:
    """A key that was pasted, as JSON values."""
    return {"jkt": thumbprint_or_none(jwk), **dict(key_lines(jwk, harmless))}


def _jwt(text: str, block: Jwt | None) -> dict[str, Any]:
    """Header and claims as they are but for secrets, and in `notes` what follows from them."""
    jws = salvaged(text)
    parts = {"header": jws.header, "claims": jws.claims}
    said: dict[str, Any] = {name: _plain(harmless(part)) for name, part in parts.items()}
    return said | {"problem": jws.problem or None, "notes": dict(block.pairs) if block else {}}


def _plain(value: Any) -> Any:
    """A value that any JSON reader takes: no infinite numbers, no half characters, no depth."""
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    infinite = isinstance(value, float) and not math.isfinite(value)
    return str(value) if infinite or isinstance(value, Words) else value


def _row(finding: Finding) -> dict[str, Any]:
    row, asked = finding.check, finding.mark != "not asked"
    return {
        "row": row.name,
        "mark": finding.mark,
        "defect": finding.defect or None,
        "question": row.question,
        "grade": finding.grade,
        "mend": finding.mend,
        "wanted": shown(finding.wanted, 200) if asked else None,
        "found": shown(finding.found, 200) if asked else None,
        "section": row.section,
    }


def all_values(
    told: Mapping[str, Any],
    documents: "Sequence[Document]",
    examined: Sequence[Examined],
    now: float,
) -> dict[str, Any]:
    """A whole report as JSON values, what is `told` of it first; its secrets are still in it."""
    plain = {name: list(one) if isinstance(one, tuple) else one for name, one in told.items()}
    judged = [
        {"kind": one.kind, "told": one.told, "facts": dict(one.facts)}
        | {"problems": [each.title for each in one.problems]}
        for one in documents
    ]
    requests = [values_of(one, now) for one in examined]
    return {**plain, "documents": judged, "requests": requests}


def nothing_wrong(kind: str, documents: "Sequence[Document]", examined: Sequence[Examined]) -> str:
    """What to say of a paste of this kind where nothing is wrong: how far that can be seen."""
    missing = dict.fromkeys(row for one in examined for row in one.missing)
    if documents:
        parts = ((f"It holds {one.kind}." * (one.kind != kind), one.told) for one in documents)
        told = (text for pair in parts for text in pair if text)
        return " ".join([*told, "Nothing is wrong with it."])
    proof = kind.startswith("a log") and any(one.call.is_proof for one in examined)
    held = "It holds a DPoP proof. " * proof
    if not any(one.findings for one in examined):
        return "No row can be asked of it, and nothing else is wrong."
    if not missing:
        return f"{held}Nothing is wrong with it."
    rows = f"{len(missing)} rows" if len(missing) > 4 else ", ".join(missing)
    return f"{held}Nothing is wrong with it as far as can be seen, but {rows} can't be asked."
