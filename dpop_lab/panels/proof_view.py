"""What becomes of a proof when its header or claims are changed: the state behind `ProofPanel`."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dpop_lab.checking import Answer, Report
from dpop_lab.jose.encoding import base64url_encode, compact_json
from dpop_lab.jose.jws import sign_segment
from dpop_lab.jose.keys import PrivateKey, public_jwk
from dpop_lab.proof import TYP
from dpop_lab.proof.rules import check_proof
from dpop_lab.server.duende_site import BASE_URL
from dpop_lab.server.policy import Policy
from dpop_lab.show import Block, Note, Shown, Table
from dpop_lab.show.values import cut

METHOD, URL = "POST", f"{BASE_URL}/connect/token"
SEGMENTS = ("header", "payload", "signature")
SHOWN = 1200  # characters of a segment


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class ProofView(Shown):
    """A proof looked at, shown by a notebook as the panel shows it.

    `header` and `claims` are what was encoded, `proof` the text of the three segments, `changed`
    the names of those that differ from the start. `report` is what the token endpoint finds and
    `answer` what it would say, None for a proof it would accept. `problem` says why there is no
    proof and so no report, empty when there is one.
    """

    policy: str
    header: Mapping[str, Any] = field(default_factory=dict)
    claims: Mapping[str, Any] = field(default_factory=dict)
    proof: str = ""
    changed: tuple[str, ...] = ()
    report: Report | None = None
    answer: Answer | None = None
    problem: str = ""

    @property
    def verdict(self) -> str:
        """What the server would answer, and because of which row, in words."""
        if self.report is None:
            return f"No proof can be made: {self.problem}"
        failure = self.report.failure
        if failure is None or self.answer is None:
            return f"Accepted: held to {self.policy}, the token endpoint would take this proof."
        answer = f"{self.answer.status} {self.answer.error or ''}".strip()
        told = f" and say “{self.answer.description}”" if self.answer.description else "."
        return f"Refused by the row {failure.check.name}: {self.policy} would answer {answer}{told}"

    def blocks(self) -> Iterator[Block]:
        """The verdict, each segment decoded and as it is sent, and the report."""
        accepted = self.report is not None and self.report.accepted
        yield Note(self.verdict, "passed" if accepted else "failed")
        if self.report is None:  # a refused one is false
            return
        broken = self.report["signature"].mark == "failed"
        made = "made with the private key" + "; it does not verify" * broken
        states = ["changed" if name in self.changed else "as at the start" for name in SEGMENTS]
        texts = (readable(self.header), readable(self.claims), made)
        encoded = [cut(segment, SHOWN) for segment in self.proof.split(".")]
        values = map("{}\n{}".format, texts, encoded)
        yield Table("", tuple(zip(map("{}, {}".format, SEGMENTS, states), values, strict=True)))
        yield from self.report.blocks()


def readable(value: object) -> str:
    """A JSON value over several lines, long ones cut, what can't be seen escaped."""
    lines = json.dumps(value, indent=2, ensure_ascii=False).split("\n")
    return "\n".join(cut(_seen(line), SHOWN) for line in lines)


def _seen(line: str) -> str:
    return "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in line)


def start_fields(key: PrivateKey, *, jti: str, now: int) -> dict[str, str]:
    """The values a good proof for the token endpoint has, as a person would type them."""
    return {"typ": TYP, "alg": key.alg, "jti": jti, "htm": METHOD, "htu": URL, "iat": str(now)}


def look_at_proof(
    fields: Mapping[str, str],
    key: PrivateKey,
    *,
    policy: Policy,
    now: int,
    start: str = "",
    signature: str | None = None,
) -> ProofView:
    """Make a proof of what was typed and hold it to the token endpoint of a policy.

    `fields` are typ, alg and the claims; an empty one is left out, and `iat` in digits becomes a
    number. `start` is the proof to compare with. `signature` keeps an old signature segment; None
    signs again, or takes the one of `start` where nothing else has changed. Nothing is sent or
    remembered, and nothing in `fields` raises.
    """
    given = {name: text for name, text in fields.items() if text}
    header: dict[str, Any] = {name: given.pop(name) for name in ("typ", "alg") if name in given}
    header["jwk"] = public_jwk(key)
    claims = {name: _number(text) if name == "iat" else text for name, text in given.items()}
    try:
        proof = _assembled(header, claims, key, start, signature)
    except UnicodeEncodeError:
        return ProofView(policy=policy.name, problem="a field holds half a character.")
    report = check_proof(proof, profile=policy.token, method=METHOD, url=URL, now=now)
    pairs = zip(SEGMENTS, proof.split("."), (start or proof).split("."), strict=True)
    return ProofView(
        policy=policy.name,
        header=header,
        claims=claims,
        proof=proof,
        changed=tuple(name for name, one, before in pairs if one != before),
        report=report,
        answer=policy.token.answer(report.failure) if report.failure else None,
    )


def _assembled(
    header: Mapping[str, Any],
    claims: Mapping[str, Any],
    key: PrivateKey,
    start: str,
    signature: str | None,
) -> str:
    first = base64url_encode(compact_json(header))
    signing_input = f"{first}.{base64url_encode(compact_json(claims))}"
    if signature is not None:
        return f"{signing_input}.{signature}"
    if start.startswith(f"{signing_input}."):
        return start
    return sign_segment(first, claims, key)


def _number(text: str) -> int | str:
    return int(text) if re.fullmatch("[0-9]{1,4000}", text) else text
