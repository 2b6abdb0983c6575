"""Change a proof, member by member or as it is sent, and watch what the token endpoint says."""

import json
import re
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Any

from ipywidgets import Checkbox, Dropdown, Textarea

from dpop_lab.checking import Answer, Report
from dpop_lab.errors import expect
from dpop_lab.jose.encoding import base64url_encode
from dpop_lab.jose.jws import salvaged, segment
from dpop_lab.jose.keys import PrivateKey, generate_key
from dpop_lab.panels.panel import WIDE, Panel, control, text_fields
from dpop_lab.proof import make_proof, read_proof
from dpop_lab.proof.rules import check_proof
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.duende_site import BASE_URL
from dpop_lab.server.policies import POLICIES
from dpop_lab.server.policy import Policy
from dpop_lab.session.decoded import drawn
from dpop_lab.show import Block, Card, Shown
from dpop_lab.show.jwt import SEGMENTS

ENCODED, SIGN, HELD_TO = "Encoded", "Sign again after each change", "Held to"
METHOD, URL = "POST", f"{BASE_URL}/connect/token"
HEADER, CLAIMS = ("typ", "alg"), ("jti", "htm", "htu", "iat")  # the members that have a field


class ProofPanel(Panel):
    """A proof for the token endpoint, decoded and encoded; beside it what the rows say.

    What is changed in a field is changed in the encoded text, and the other way round. Starts from
    a good proof by the key, made now, with a new key where none is given; the server's clock stands
    still from then on. `proof` is the text that is judged. Nothing is sent. Raises `LabError` when
    given what is no private key.
    """

    purpose = "lets you change a proof and watch which row refuses it."
    view: "ProofView"

    def __init__(self, key: PrivateKey | None = None) -> None:
        expect(key, (PrivateKey, NoneType), "ProofPanel", "load_key and generate_key make one.")
        self._key, self._now = key or generate_key(), int(time.time())
        self._good = make_proof(
            self._key, jti=str(uuid.uuid4()), htm=METHOD, htu=URL, iat=self._now
        )
        self.proof = self._good
        super().__init__(
            "A proof for the token endpoint",
            "Change a member, or the encoded text; nothing is sent. An empty field is a member "
            "left out. In iat, digits become a JSON number, anything else a string. The server's "
            f"clock stands still at {self._now} while you edit.",
            *text_fields(typed_members(self.proof)),
            [control(Textarea, ENCODED, self.proof, {**WIDE, "height": "9em"}, "5em")],
            [control(Checkbox, SIGN, True, {"width": "auto"}, indent=False)],
            [control(Dropdown, HELD_TO, DUENDE.name, options=[*POLICIES]), self.start_again],
        )

    def follow(self, label: str) -> None:
        """Let the encoded text follow from the members, or the members from it."""
        of = self.fields
        if label == ENCODED:
            self.proof = of[ENCODED].value.strip()
            self.write(typed_members(self.proof))
        elif label in (*HEADER, *CLAIMS, SIGN):
            typed = {name: of[name].value for name in (*HEADER, *CLAIMS)}
            sign = self._key if of[SIGN].value else None
            self.proof = edited(self.proof, typed, good=self._good, key=sign)
            self.write({ENCODED: self.proof})

    def back(self) -> None:
        """Bring the good proof back, and its members."""
        super().back()
        self.proof = self._good

    def look(self) -> "ProofView":
        """What the token endpoint says of the proof, and what has changed since the start."""
        policy = POLICIES[self.fields[HELD_TO].value]
        return look_at_proof(self.proof, policy=policy, now=self._now, good=self._good)

    def told(self, *left_out: str) -> list[str]:
        """The fields but for the encoded text, a line each."""
        return super().told(ENCODED, *left_out)


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class ProofView(Shown):
    """A proof looked at, shown by a notebook as the panel shows it."""

    policy: str
    proof: str
    now: int
    #: The names of the segments that differ from those of the good proof.
    changed: tuple[str, ...]
    #: What the token endpoint finds.
    report: Report
    #: What it would say, None for a proof it would accept.
    answer: Answer | None = None

    @property
    def verdict(self) -> str:
        """What the server would answer, and because of which row, in words."""
        failure = self.report.failure
        if failure is None or self.answer is None:
            return f"Accepted: held to {self.policy}, the token endpoint would take this proof."
        answer = f"{self.answer.status} {self.answer.error or ''}".strip()
        told = f" and say “{self.answer.description}”" if self.answer.description else "."
        return f"Refused by the row {failure.check.name}: {self.policy} would answer {answer}{told}"

    def blocks(self) -> Iterator[Block]:
        """The verdict with what to do, all rows, and the proof decoded."""
        failure = self.report.failure
        mark, facts = ("failed", failure.facts) if failure else ("passed", ())
        yield Card(self.verdict, mark, facts)
        yield self.report.table
        title = f"Changed: {', '.join(self.changed)}" if self.changed else "As at the start"
        jws = read_proof(self.proof)
        yield drawn(title, jws, now=self.now, encoded=self.proof, changed=self.changed)


def typed_members(proof: str) -> dict[str, str]:
    """The members that have a field, as a person would type them; empty where there is none.

    Of a part that can't be read at all there are none, so that its fields stay as they are.
    """
    read = salvaged(proof)
    parts = ((read.header, HEADER), (read.claims, CLAIMS))
    return {name: as_typed(part.get(name)) for part, names in parts if part for name in names}


def as_typed(value: object) -> str:
    """A JSON value as a person would type it: a text as it is, nothing where there is none."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def edited(proof: str, typed: Mapping[str, str], *, good: str, key: PrivateKey | None) -> str:
    """The proof with the members that were typed, signed again by a key if one is given.

    An empty text leaves the member out, digits in `iat` become a number, and of a text that holds
    half a character the other half is a question mark. What was not typed stays as it is, to the
    letter; of a damaged proof as much as can be read is kept, and else that of the good one. A
    proof that is the good one again has its signature.
    """
    read, base = salvaged(proof), read_proof(good)
    whole = not read.problem and proof.count(".") == len(SEGMENTS) - 1
    header, claims, signature = (proof if whole else good).split(".")
    members = _with_typed(read.header or base.header, HEADER, typed)
    if not whole or members != read.header:
        header = segment(members)
    members = _with_typed(read.claims or base.claims, CLAIMS, typed)
    if not whole or members != read.claims:
        claims = segment(members)
    signing_input = f"{header}.{claims}"
    if key is None:
        return f"{signing_input}.{signature}"
    if good.startswith(f"{signing_input}."):
        return good
    return f"{signing_input}.{base64url_encode(key.sign(signing_input.encode()))}"


def _with_typed(
    members: Mapping[str, Any], names: tuple[str, ...], typed: Mapping[str, str]
) -> Mapping[str, Any]:
    changed = dict(members)
    for name in names:
        text = typed[name].encode("utf-8", "replace").decode()
        if text == as_typed(members.get(name)):
            continue
        if text:
            number = name == "iat" and re.fullmatch("[0-9]{1,4000}", text)
            changed[name] = int(text) if number else text
        else:
            changed.pop(name, None)
    return changed


def look_at_proof(proof: str, *, policy: Policy, now: int, good: str) -> ProofView:
    """Hold an encoded proof to the token endpoint of a policy, and compare it with a good one.

    Nothing is sent or remembered, and whatever the text is, it does not raise.
    """
    report = check_proof(proof, profile=policy.token, method=METHOD, url=URL, now=now)
    parts = [*proof.split(".", 2), "", ""]
    pairs = zip(SEGMENTS, parts, good.split("."), strict=False)
    return ProofView(
        policy=policy.name,
        proof=proof,
        now=now,
        changed=tuple(name for name, one, before in pairs if one != before),
        report=report,
        answer=policy.token.answer(report.failure) if report.failure else None,
    )
