"""Change anything, predict, send, strike a row out, send again: the bench as a panel."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import requests
from ipywidgets import HTML, Checkbox, Dropdown, Select, Text

from dpop_lab.errors import LabError, expect
from dpop_lab.lab.catalogue import CHANGES
from dpop_lab.lab.catalogue.change import SIGNERS
from dpop_lab.lab.crafting import Draft
from dpop_lab.lab.lab import Lab
from dpop_lab.lab.sent import Score, Sent
from dpop_lab.panels.catalogue import FILTERS, SEARCH, filtered, filters, listed, offer
from dpop_lab.panels.draft_text import ENCODED, TEXTS, as_typed, boxes, decoded, of_now, texts_of
from dpop_lab.panels.panel import Panel, control, folded, note
from dpop_lab.panels.rows import LOOKS, MODE, Rows, all_rows, marks_at, rows_at
from dpop_lab.server.common import FARTHEST
from dpop_lab.server.policies import POLICIES
from dpop_lab.server.policy import Policy

CHANGE, TARGET, SIGNED_BY, SERVER = "Change", "Target", "Signed by", "Server"
SIGN, SECONDS, SENT = "Sign again after editing", "Seconds", "Sent so far"
HALF = {"flex": "1 1 14em", "width": "auto", "min_width": "0"}, "6em"  # and room for the label
WHOLE = {"width": "auto"}, "6em"
HINT = "Choose a change, predict the row that says no, send; then strike it out, and send again."
FAR = f"Seconds wants a number that leaves it within {FARTHEST} s of real time."


class BenchPanel(Panel):
    """The bench of a lab with a control for everything that `Lab.send` can be told.

    Choosing a change, a target or a signer writes the proof into the texts; what is edited there is
    sent as it stands, but jti, iat, ath and nonce are made anew unless they were edited. `rows` has
    the buttons of the rows, `score` the predictions since the panel was made. `view` is what was
    sent or brought back last (a `Sent`), or the riddle that was drawn (a `Draft`). Raises
    `LabError` for names that are unknown.
    """

    purpose = "sends what you change to a server, and shows which row refuses it."
    nothing = "Nothing was sent yet. Choose or edit, predict which row says no, and send."
    view: Sent | Draft | None

    def __init__(self, lab: Lab | None = None, change: str = "honest", to: str = "") -> None:
        expect(lab, (Lab, type(None)), "BenchPanel", "Lab() makes one.")
        self.lab = lab or Lab()
        self._bench, self.score = self.lab.bench, Score()
        self._before = max((one.number for one in self._bench.history), default=0)
        self._draft, self._encoded = self._bench.draft(change, to=to), ""
        self._shown: Sent | Draft | None = None
        self._far = ""  # why the clock was not moved
        rules = self.lab.policy
        self._policies = dict(POLICIES) if rules.struck_out else {**POLICIES, rules.name: rules}
        self.rows = Rows(all_rows(self._policies.values()), rules.struck_out, self._react)
        self._about, self._told, self._clock = HTML(), HTML(), HTML()
        self._send = self.button("Send", self._send_draft)
        self._send.button_style = "primary"
        self._again = self.button("Send again", self._send_again)
        self._blind = self.button("Draw one blind", self._draw)
        self._move = self.button("Move the clock", self._move_clock)
        above = [[self.rows.mode], [self.rows.box]]
        super().__init__("The bench", HINT, *self._parts(rules), above=above)

    def _parts(self, rules: Policy) -> list[list[Any]]:
        """The change and how to find it, whose rules, the buttons; folded, the proof, the clock."""
        draft, server = self._draft, rules.name if rules.name in self._policies else "DUENDE"
        change, places, found = draft.change, draft.change.places, listed(CHANGES)
        search, who, what, differ = filters(*HALF)
        fixed = self.lab.live  # another server keeps to its own rules
        self.rows.mode.disabled = fixed
        # not at once, else a click overtakes what was typed last
        seconds = control(Text, SECONDS, "30", *HALF, continuous_update=False)
        so_far = control(Select, SENT, None, *WHOLE, options=[], rows=4)
        return [
            [HTML(LOOKS, layout={"display": "none"}), search],
            [who, what],
            [differ, self._blind],
            [control(Select, CHANGE, change.name, *WHOLE, options=found, rows=8)],
            [self._about],
            [
                control(Dropdown, TARGET, draft.to, *HALF, options=places),
                control(Dropdown, SERVER, server, *HALF, options=[*self._policies], disabled=fixed),
            ],
            [
                control(Dropdown, SIGNED_BY, change.signed_by, *HALF, options=SIGNERS),
                control(Checkbox, SIGN, change.sign_again, HALF[0], indent=False),
            ],
            [self._send, self._again, self.start_again, self._told],
            [so_far.add_class("dpop-lab-sent")],
            [folded("Edit the proof", *boxes(draft))],
            [folded("Move the clock", [seconds, self._move], [self._clock])],
        ]

    def look(self) -> Sent | Draft | None:
        """What was sent last or brought back, or the riddle."""
        return self._shown

    @property
    def sent(self) -> list[Sent]:
        """What was sent since this panel was made, the last one first."""
        return [one for one in reversed(self._bench.history) if one.number > self._before]

    @property
    def _rules(self) -> Policy:
        """What the chosen server keeps to, with all rows."""
        return self._policies[self.fields[SERVER].value]

    # what follows from a control

    def _react(self, action: Callable[..., object], *given: Any) -> None:
        def tried() -> None:
            try:
                action(*given)
            except (LabError, requests.RequestException, ValueError) as error:
                change, to = self._draft.change.name, self.fields[TARGET].value
                self._shown = Sent(change=change, to=to, problem=str(error))

        super()._react(tried)

    def follow(self, label: str) -> None:
        """Offer what goes with a choice, and draft its proof; keep texts and encoding the same."""
        field, drafted = self.fields[CHANGE], self._draft.change.name
        unchosen = {CHANGE: drafted, SERVER: self._start[SERVER], SENT: None}
        if label in unchosen and self.fields[label].value is None:  # by code: nothing follows
            self.write({label: unchosen[label]} if field.options else {})
            return
        if label in FILTERS:
            offer(filtered(self.values()), field, drafted)
        if label == CHANGE and field.value not in (None, *CHANGES):  # the heading of a group
            field.index += 1
        if label == CHANGE or (label in FILTERS and field.value not in (None, drafted)):
            to = self.fields[TARGET].value
            to = to if to in CHANGES[field.value].places else ""
            self._take(self._bench.draft(field.value, to=to))
        elif label in (TARGET, SIGNED_BY):
            self._take(self._drafted())
        elif label == SENT:
            self._bring_back(self.fields[SENT].value)
        elif label in ("", SIGN, *TEXTS):
            self._end()
            self._encode()
        elif label == ENCODED:
            self._end()
            self.write(decoded(self.fields[ENCODED].value))

    def _end(self) -> None:
        """Show a riddle, or what could not be sent, no longer."""
        if not (isinstance(self._shown, Sent) and self._shown.number):
            self._shown = None

    def _take(self, draft: Draft) -> None:
        """Put a draft into the fields; what was shown of another is over."""
        self._end()
        self._draft, change = draft, draft.change
        if change.name not in dict(self.fields[CHANGE].options).values():
            self.write(FILTERS)
            offer(CHANGES, self.fields[CHANGE], change.name)
        self.fields[TARGET].options = CHANGES[change.name].places
        signing = {SIGNED_BY: change.signed_by, SIGN: change.sign_again}
        self.write({CHANGE: change.name, TARGET: draft.to, **signing, **texts_of(draft)})
        self._encode()
        if draft.typed is not None:
            self.write({ENCODED: draft.typed, **decoded(draft.typed)})

    def _drafted(self) -> Draft:
        """A draft of this moment of what is chosen."""
        chosen, name = self.values(), self._draft.change.name
        signing = {"signed_by": chosen[SIGNED_BY], "sign_again": chosen[SIGN]}
        return self._bench.draft(name, to=chosen[TARGET], **signing)

    def _encode(self) -> None:
        """Write the proof that the two texts make at this moment."""
        change = replace(self._draft.change, sign_again=self.fields[SIGN].value)
        draft = as_typed(replace(self._draft, change=change), self.values())
        self._encoded = self._bench.parties.proof(draft)
        self.write({ENCODED: self._encoded})

    def _bring_back(self, number: int) -> None:
        """Show what was sent under a number, and put it into the fields."""
        self._take(self._bench.draft_of(number))
        self._shown = next(one for one in self.sent if one.number == number)

    def back(self) -> None:
        """Bring the fields back, with a proof of this moment and all rows."""
        self.write(FILTERS)
        offer(CHANGES, self.fields[CHANGE], self._start[CHANGE])
        self.write({name: self._start[name] for name in (SERVER, SECONDS, MODE)})
        self._shown, self.rows.predicted = None, ""
        self.rows.struck_out = {*self.lab.policy.struck_out}
        self._take(self._bench.draft(self._start[CHANGE], to=self._start[TARGET]))

    # sending

    def _draw(self) -> None:
        """Draw one of the changes that are listed, and show what it does, not what it is."""
        self._shown = self._bench.riddle(filtered(self.values()))

    def _asked(self) -> dict[str, Any]:
        """The prediction, which is taken back, and the rules that the server is to have."""
        rules = {"policy": self._rules, "without": self.rows.struck_of(self._rules)}
        return {"predict": self.rows.taken(), **({} if self.lab.live else rules)}

    def _send_draft(self) -> None:
        riddle = self._shown if isinstance(self._shown, Draft) else None
        draft = riddle or of_now(self._drafted(), self.values(), self._draft, self._encoded)
        sent = self._bench.send(draft, **self._asked())
        if riddle:
            self._take(self._bench.draft_of())
        self._keep(sent)

    def _send_again(self) -> None:
        number = self._shown.number if isinstance(self._shown, Sent) else 0
        self._keep(self._bench.send_again(number, **self._asked()))

    def _keep(self, sent: Sent) -> None:
        """Show what came, and put it on top of what was sent so far."""
        self._shown, self.score = sent, self.score.after(sent)
        field = self.fields[SENT]
        with field.hold_sync():
            field.options = [(one.line, one.number) for one in self.sent]
            field.value = sent.number

    def _move_clock(self) -> None:
        self._far = ""
        try:
            self.lab.clock.advance(float(self.fields[SECONDS].value))
        except (LabError, ValueError):
            self._far = FAR

    # showing

    def show(self) -> None:
        """Show what is chosen and what came of it, and the rows asked there with their marks."""
        riddle = isinstance(self._shown, Draft)
        to = self._shown.to if isinstance(self._shown, Draft) else self.fields[TARGET].value
        self.rows.show(rows_at(to, self._rules), marks_at(to, self._shown))
        super().show()
        chosen, change = self.fields[CHANGE].value, self._draft.change
        self._send.disabled = not self.rows.predicted if riddle else chosen is None
        self._again.disabled = riddle or not self._bench.history
        about = f"{change.name}: by {change.by} ({change.section}). {change.worth}".rstrip()
        drawn = f"One is drawn, for the {to}. The fields are not its own: changing them ends it."
        about = drawn if riddle else about
        self._about.value = note(about if chosen else "No change has all of this.")
        self._told.value = note(f"{self.score}.")
        ahead = f"{self.lab.clock.ahead:+.0f} s from real time"
        self._clock.value = note(f"The clock of both sides is {ahead}. {self._far}".rstrip())

    def told(self, *left_out: str) -> list[str]:
        """The fields, a line each; texts, rows and what was sent in one."""
        fields = self.values()
        texts = texts_of(self._draft) | {ENCODED: self._encoded}
        edited = [name for name, text in texts.items() if fields[name] != text]
        return [
            *super().told(*texts, SENT, MODE, SEARCH, SECONDS, *left_out),
            f"  edited: {', '.join(edited) or 'nothing'}",
            f"  struck out: {', '.join(self.rows.struck_of(self._rules)) or 'nothing'}",
            f"  predicted: {self.rows.predicted or 'nothing'}",
            f"  sent so far: {len(self.sent)}, {self.score}",
            *(f"    {one.line}" for one in self.sent),
        ]
