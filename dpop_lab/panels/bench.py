"""Change anything, predict, send, strike a row out, send again: the bench as a panel."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import product
from typing import Any

import requests
from ipywidgets import HTML, Checkbox, Dropdown, Text, Textarea

from dpop_lab.errors import LabError, expect
from dpop_lab.lab.catalogue import ACTORS, CHANGES
from dpop_lab.lab.catalogue.change import PLACES, SIGNERS
from dpop_lab.lab.crafting import Draft
from dpop_lab.lab.lab import Lab
from dpop_lab.lab.sent import Sent
from dpop_lab.panels.draft_text import for_reading, renewed
from dpop_lab.panels.panel import Panel, control, note
from dpop_lab.server.common import FARTHEST
from dpop_lab.server.policies import POLICIES
from dpop_lab.server.policy import Policy

ANYBODY, NONE = "anybody", "none"
WHO, CHANGE, TARGET, HEADER, CLAIMS = "Who", "Change", "Target", "Header", "Claims"
SIGNED_BY, SIGN, SERVER = "Signed by", "Sign again after editing", "Server"
PREDICTION, SECONDS = "Your prediction", "Seconds"
TEXT = {"flex": "1 1 24em", "height": "13em", "width": "auto"}
ROW = {"width": "11em"}
HINT = (
    "Choose a change or edit the proof, predict the row that will say no, send. Then strike that "
    "row out, and send the same again. jti, iat, ath and nonce are made anew each time unless you "
    "edit them. By keyboard, Space opens a list. Start again brings the fields back; clock and "
    "memory are the server's, and stay."
)
FAR = f"Seconds wants a number that leaves it within {FARTHEST} s of real time."


def rows_at(place: str, policy: Policy) -> dict[str, bool]:
    """The rows asked at a place, in their order, each with whether it can be struck out."""
    profiles = [policy.profiles[name] for name in PLACES[place].profiles]
    return {row.name: row.name not in one.essential for one in profiles for row in one.rows}


def all_rows(policies: Iterable[Policy]) -> list[str]:
    """Every row that can be struck out, those of access tokens first."""
    asked: dict[str, bool] = {}
    for policy, place in product(reversed([*policies]), PLACES):
        asked |= rows_at(place, policy)
    return [name for name, strikable in asked.items() if strikable]


class BenchPanel(Panel):
    """The bench of a lab with a control for everything that `Lab.send` can be told.

    Choosing a change, a target or a signer writes the proof into the two text fields; what is
    edited there is sent as it stands, but jti, iat, ath and nonce are made anew unless they were
    edited. `view` is what was sent last (a `Sent`). Raises `LabError` for names that are unknown.
    """

    purpose = "sends what you change to a server, and shows which row refuses it."
    nothing = "Nothing was sent yet. Choose or edit, predict which row says no, and send."
    view: Sent | None

    def __init__(self, lab: Lab | None = None, change: str = "honest", to: str = "") -> None:
        expect(lab, (Lab, type(None)), "BenchPanel", "Lab() makes one.")
        self.lab = lab or Lab()
        self._draft = self.lab.bench.draft(change, to=to)
        self._outcome: Sent | None = None
        rules = self.lab.policy
        self._policies = dict(POLICIES) if rules.struck_out else {**POLICIES, rules.name: rules}
        self._rows = {
            name: control(Checkbox, name, name not in rules.struck_out, ROW, indent=False)
            for name in all_rows(self._policies.values())
        }
        self._about, self._score, self._clock = HTML(), HTML(), HTML()
        self._send = self.button("Send", self._send_draft)
        self._again = self.button("Send the same again", self._send_again)
        self._move = self.button("Move the clock", self._move_clock)
        super().__init__("The bench", HINT, *self._parts(rules))

    def _parts(self, rules: Policy) -> list[list[Any]]:
        """What is sent, by whose rules, the buttons, the clock."""
        draft, server = self._draft, rules.name if rules.name in self._policies else "DUENDE"
        return [
            [
                control(Dropdown, WHO, ANYBODY, options=[ANYBODY, *ACTORS]),
                control(Dropdown, CHANGE, draft.change.name, options=[*CHANGES]),
                control(Dropdown, TARGET, draft.to, options=draft.change.places),
            ],
            [self._about],
            [
                control(Textarea, label, text, TEXT, continuous_update=False)
                for label, text in self._written().items()
            ],
            [
                control(Dropdown, SIGNED_BY, draft.change.signed_by, options=[*SIGNERS]),
                control(Checkbox, SIGN, draft.change.sign_again, indent=False),
                control(Dropdown, SERVER, server, options=[*self._policies]),
            ],
            [HTML(note("Rows that are asked; take one off to strike it out:"))],
            [*self._rows.values()],
            [
                control(Dropdown, PREDICTION, NONE, options=[NONE]),
                self._send,
                self._again,
                self.start_again,
            ],
            [
                # not at once, else a click overtakes what was typed last
                control(Text, SECONDS, "30", {"width": "12em"}, continuous_update=False),
                self._move,
                self._clock,
            ],
            [self._score],
        ]

    def look(self) -> Sent | None:
        """What was sent last."""
        return self._outcome

    def struck_out(self) -> tuple[str, ...]:
        """The rows that are switched off, of those the chosen server has anywhere."""
        chosen = self.values()
        known = self._policies[chosen[SERVER]].row_names
        return tuple(name for name in self._rows if name in known and not chosen[name])

    # what follows from a control

    def _react(self, action: Callable[..., object], *given: str) -> None:
        def tried() -> None:
            try:
                action(*given)
            except (LabError, requests.RequestException, ValueError) as error:
                chosen = self.values()
                problem = str(error)
                self._outcome = Sent(change=chosen[CHANGE], to=chosen[TARGET], problem=problem)

        super()._react(tried)

    def follow(self, label: str) -> None:
        """Offer what goes with a choice, and draft its proof."""
        of = self.fields
        if label == WHO:
            who = of[WHO].value
            of[CHANGE].options = [*(CHANGES if who == ANYBODY else CHANGES.by(who))]
        if label in (WHO, CHANGE):
            chosen, kept = CHANGES[of[CHANGE].value], of[TARGET].value
            of[TARGET].options = chosen.places  # of which this chooses the first
            if kept in chosen.places:
                of[TARGET].value = kept
            self.write({SIGNED_BY: chosen.signed_by, SIGN: chosen.sign_again})
        if label in (WHO, CHANGE, TARGET, SIGNED_BY):
            self._redraft()

    def _redraft(self) -> None:
        self._draft = self._drafted()
        self.write(self._written())

    def _drafted(self) -> Draft:
        """A draft of this moment of what is chosen."""
        chosen = self.values()
        signing = {"signed_by": chosen[SIGNED_BY], "sign_again": chosen[SIGN]}
        return self.lab.bench.draft(chosen[CHANGE], to=chosen[TARGET], **signing)

    def _written(self) -> dict[str, str]:
        """The texts of the draft, as they are written into their fields."""
        draft = self._draft
        return {HEADER: for_reading(draft.header), CLAIMS: for_reading(draft.claims)}

    def back(self) -> None:
        """Bring the fields back, with a proof of this moment."""
        self.fields[CHANGE].options = [*CHANGES]
        self.fields[TARGET].options = CHANGES[self._start[CHANGE]].places
        super().back()
        self._outcome = None
        self._redraft()

    # sending

    def _rules(self) -> dict[str, Any]:
        """The prediction, which is taken back, and the rules that the server is to have."""
        chosen = self.values()
        self.fields[PREDICTION].value = NONE
        rules = {"predict": "" if chosen[PREDICTION] == NONE else chosen[PREDICTION]}
        if self.lab.live:
            return rules
        return {**rules, "policy": self._policies[chosen[SERVER]], "without": self.struck_out()}

    def _send_draft(self) -> None:
        rules, typed = self._rules(), self.values()
        old, new = self._draft, self._drafted()
        draft = replace(
            new,
            header=renewed(typed[HEADER], old.header, new.header),
            claims=renewed(typed[CLAIMS], old.claims, new.claims),
        )
        self._outcome = self.lab.bench.send(draft, **rules)

    def _send_again(self) -> None:
        self._outcome = self.lab.bench.send_again(**self._rules())

    def _move_clock(self) -> None:
        if (step := self._step()) is not None:
            self.lab.clock.advance(step)

    def _step(self) -> float | None:
        """How far to move the clock; None for no number, or one too large."""
        try:
            step = float(self.fields[SECONDS].value)
        except ValueError:
            return None
        return step if abs(self.lab.clock.ahead + step) <= FARTHEST else None

    # showing

    def show(self) -> None:
        """Show what is chosen and what came of it, and which rows are asked there."""
        super().show()
        chosen, predicted = self.values(), self.fields[PREDICTION]
        rows = rows_at(chosen[TARGET], self._policies[chosen[SERVER]])
        for name, switch in self._rows.items():
            switch.disabled = not rows.get(name)
        predicted.options = [NONE, "accepted", "no row", *rows]  # of which this chooses the first
        if chosen[PREDICTION] in predicted.options:
            predicted.value = chosen[PREDICTION]
        self._again.disabled = not self.lab.bench.history
        change = CHANGES[chosen[CHANGE]]
        about = f"{change.title}. By {change.by} ({change.section}). {change.worth}"
        self._about.value = note(about.rstrip())
        self._score.value = note(f"{self.lab.bench.score}.")
        said = f"The clock of both sides is {self.lab.clock.ahead:+.0f} s from real time."
        self._clock.value = note(said if self._step() is not None else f"{said} {FAR}")

    def told(self, *left_out: str) -> list[str]:
        """The fields, a line each; texts and switches in one."""
        fields = self.values()
        edited = [label for label, text in self._written().items() if fields[label] != text]
        return [
            *super().told(HEADER, CLAIMS, *self._rows, *left_out),
            f"  edited: {', '.join(edited) or 'nothing'}",
            f"  struck out: {', '.join(self.struck_out()) or 'nothing'}",
        ]
