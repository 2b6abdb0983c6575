"""Change a proof's header or claims and watch what the token endpoint makes of it."""

import json
import re
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ipywidgets import Checkbox, Dropdown

from dpop_lab.checking import Answer, Report
from dpop_lab.errors import expect
from dpop_lab.jose.jws import segment, sign_segment
from dpop_lab.jose.keys import PrivateKey
from dpop_lab.panels.panel import Panel, control, text_fields
from dpop_lab.proof import TYP, read_proof
from dpop_lab.proof.rules import check_proof
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.duende_site import BASE_URL
from dpop_lab.server.policies import POLICIES
from dpop_lab.server.policy import Policy
from dpop_lab.show import Block, Card, Shown, Table
from dpop_lab.show.values import cut

SIGN, HELD_TO = "Sign again after each change", "Held to"
METHOD, URL = "POST", f"{BASE_URL}/connect/token"
SEGMENTS = ("header", "payload", "signature")
SHOWN = 1200  # characters of a segment


class ProofPanel(Panel):
    """A field for each value of a proof for the token endpoint; beneath them proof and report.

    Starts from a good proof by the key, made now; the server's clock stands still from then on.
    Nothing is sent. Raises `LabError` when given no private key.
    """

    purpose = "lets you change a proof and watch which row refuses it."
    view: "ProofView"

    def __init__(self, key: PrivateKey) -> None:
        expect(key, PrivateKey, "ProofPanel", "load_key and generate_key make one.")
        self._key, self._now = key, int(time.time())
        start = start_fields(key, jti=str(uuid.uuid4()), now=self._now)
        self._proof = look_at_proof(start, key, policy=DUENDE, now=self._now).proof
        self._signature = self._proof.rpartition(".")[2]
        super().__init__(
            "A proof for the token endpoint",
            "Change a value and see what follows; nothing is sent. An empty field is a member left "
            "out. In iat, digits become a JSON number, anything else a string. The server's clock "
            f"stands still at {self._now} while you edit. By keyboard, Space opens the list.",
            *text_fields(start),
            [control(Checkbox, SIGN, True, {"width": "auto"}, indent=False)],
            [control(Dropdown, HELD_TO, DUENDE.name, options=[*POLICIES])],
            [self.start_again],
        )

    def look(self) -> "ProofView":
        """The proof that is in the fields, against the one at the start."""
        fields = self.values()
        again, policy = fields.pop(SIGN), POLICIES[fields.pop(HELD_TO)]
        view = look_at_proof(
            fields,
            self._key,
            policy=policy,
            now=self._now,
            start=self._proof,
            signature=None if again else self._signature,
        )
        self._signature = view.proof.rpartition(".")[2] or self._signature
        return view


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class ProofView(Shown):
    """A proof looked at, shown by a notebook as the panel shows it."""

    policy: str
    #: The three segments, and the names of those that differ from the start.
    proof: str = ""
    changed: tuple[str, ...] = ()
    #: What the token endpoint finds; None where there is no proof.
    report: Report | None = None
    #: What it would say, None for a proof it would accept.
    answer: Answer | None = None

    @property
    def problem(self) -> str:
        """Why there is no proof and so no report, empty when there is one."""
        return "a field holds half a character." if self.report is None else ""

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
        if self.report is None:
            yield Card(self.verdict, "failed")
            return
        yield Card(self.verdict, "passed" if self.report.accepted else "failed")
        broken = self.report["signature"].mark == "failed"
        made = "made with the private key" + "; it does not verify" * broken
        proof, rows = read_proof(self.proof), []
        texts = (readable(proof.header), readable(proof.claims), made)
        for name, text, encoded in zip(SEGMENTS, texts, self.proof.split("."), strict=True):
            state = "changed" if name in self.changed else "as at the start"
            rows.append((f"{name}, {state}", f"{text}\n{cut(encoded, SHOWN)}"))
        yield Table("", tuple(rows))
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
    claims: dict[str, Any] = {name: text for name, text in fields.items() if text}
    header: dict[str, Any] = {name: claims.pop(name) for name in ("typ", "alg") if name in claims}
    header["jwk"] = key.public_jwk()
    if re.fullmatch("[0-9]{1,4000}", claims.get("iat", "")):
        claims["iat"] = int(claims["iat"])
    try:
        proof = sign_segment(segment(header), claims, key.sign)
    except UnicodeEncodeError:
        return ProofView(policy=policy.name)
    signing_input = proof.rpartition(".")[0]
    if signature is not None:
        proof = f"{signing_input}.{signature}"
    elif start.startswith(f"{signing_input}."):
        proof = start
    report = check_proof(proof, profile=policy.token, method=METHOD, url=URL, now=now)
    pairs = zip(SEGMENTS, proof.split("."), (start or proof).split("."), strict=True)
    return ProofView(
        policy=policy.name,
        proof=proof,
        changed=tuple(name for name, one, before in pairs if one != before),
        report=report,
        answer=policy.token.answer(report.failure) if report.failure else None,
    )
