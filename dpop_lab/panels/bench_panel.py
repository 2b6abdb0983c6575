"""Change anything, predict, send, strike a row out, send again: the bench as a panel."""

from typing import Any

import requests
from ipywidgets import HTML, VBox

from dpop_lab.errors import LabError, expect
from dpop_lab.lab.catalogue import ACTORS, CHANGES
from dpop_lab.lab.catalogue.change import SIGNERS
from dpop_lab.lab.lab import Lab
from dpop_lab.lab.sent import Sent
from dpop_lab.panels.bench_view import (
    all_rows,
    for_reading,
    policies_for,
    ready,
    rows_at,
    seconds,
)
from dpop_lab.panels.controls import area, button, choice, line, note, row, switch
from dpop_lab.panels.panel import Nothing, Panel
from dpop_lab.server.state import FARTHEST

ANYBODY, NONE = "anybody", "none"
WHO, CHANGE, TARGET, HEADER, CLAIMS = "Who", "Change", "Target", "Header", "Claims"
SIGNED_BY, SIGN, SERVER = "Signed by", "Sign again after editing", "Server"
PREDICTION, SECONDS = "Your prediction", "Seconds"
TEXT = {"flex": "1 1 24em", "height": "13em", "width": "auto"}

NOTHING_SENT = Nothing("Nothing was sent yet. Choose or edit, predict which row says no, and send.")


class BenchPanel(Panel):
    """The bench of a lab with a control for everything that `Lab.send` can be told.

    Choosing a change, a target or a signer writes the proof into the two text fields; what is
    edited there is sent as it stands, but jti, iat, ath and nonce are made anew unless they were
    edited. `view` is what was sent last (a `Sent`). Raises `LabError` for names that are unknown.
    """

    view: Sent | Nothing

    def __init__(self, lab: Lab | None = None, change: str = "honest", to: str = "") -> None:
        expect(lab, (Lab, type(None)), "BenchPanel", "Lab() makes one.")
        self.lab = lab or Lab()
        self._busy = True
        self._outcome: Sent | Nothing = NOTHING_SENT
        self._draft = self.lab.bench.draft(change, to=to)
        struck = frozenset() if self.lab.live else self.lab.twin.policy.struck_out
        self._policies = policies_for(self.lab)
        every = all_rows(self._policies)
        self._rows = {name: switch(name, on=name not in struck, width="11em") for name in every}
        self._about, self._score, self._clock = HTML(), HTML(), HTML()
        self._send, self._again = button("Send"), button("Send the same again")
        self._move = button("Move the clock")
        self._again.disabled = not self.lab.bench.has_sent
        super().__init__(
            "The bench",
            "Choose a change or edit the proof, predict the row that will say no, send. Then "
            "strike that row out, and send the same again. jti, iat, ath and nonce are made anew "
            "each time unless you edit them. By keyboard, Space opens a list. Start again brings "
            "the fields back; clock and memory are the server's, and stay.",
            {},
            *self._controls(),
            *self._rows.values(),
        )
        self._busy = False
        self._send.on_click(self._alone(lambda button: self._try(self._do_send)))
        self._again.on_click(self._alone(lambda button: self._try(self._do_send_again)))
        self._move.on_click(self._alone(lambda button: self._move_clock()))
        self._show()

    def _controls(self) -> list[Any]:
        draft, own = self._draft, "DUENDE" if self.lab.live else self.lab.twin.policy.name
        return [
            choice(WHO, [ANYBODY, *ACTORS], ANYBODY),
            choice(CHANGE, [*CHANGES], draft.change.name),
            choice(TARGET, [*draft.change.places], draft.to),
            area(HEADER, for_reading(draft.header), at_once=False, **TEXT),
            area(CLAIMS, for_reading(draft.claims), at_once=False, **TEXT),
            choice(SIGNED_BY, [*SIGNERS], draft.signed_by),
            switch(SIGN, on=draft.sign_again),
            choice(SERVER, [*self._policies], own if own in self._policies else "DUENDE"),
            choice(PREDICTION, [NONE], NONE),
            # not at once, else a click overtakes what was typed last
            line(SECONDS, "12em", "30", continuous_update=False),
        ]

    def arranged(self) -> list[Any]:
        """The controls in groups: what is sent, by whose rules, the buttons, the clock."""
        of = self.fields
        rules = HTML(note("Rows that are asked; take one off to strike it out:"))
        return [
            row([of[WHO], of[CHANGE], of[TARGET]]),
            self._about,
            row([of[HEADER], of[CLAIMS]]),
            row([of[SIGNED_BY], of[SIGN], of[SERVER]]),
            VBox([rules, row([*self._rows.values()])]),
            row([of[PREDICTION], self._send, self._again, self.start_again]),
            row([of[SECONDS], self._move, self._clock]),
            self._score,
        ]

    def look(self) -> Sent | Nothing:
        """What was sent last."""
        return self._outcome

    def struck_out(self) -> tuple[str, ...]:
        """The rows that are switched off, of those the chosen server has anywhere."""
        policy = self._policies[self.fields[SERVER].value]
        known = policy.row_names
        return tuple(name for name, one in self._rows.items() if not one.value and name in known)

    # what follows from a control

    def _changed(self, change: Any = None) -> None:
        if self._busy:
            return
        self._busy = True
        try:
            self._follow(change["owner"].description)
        except (LabError, requests.RequestException) as error:
            self._fail(error)
        finally:
            self._busy = False
        self._show()

    def _follow(self, label: str) -> None:
        of = self.fields
        if label == WHO:
            who = of[WHO].value
            of[CHANGE].options = [*(CHANGES if who == ANYBODY else CHANGES.by(who))]
        if label in (WHO, CHANGE):
            chosen, kept = CHANGES[of[CHANGE].value], of[TARGET].value
            of[TARGET].options = [*chosen.places]
            of[TARGET].value = kept if kept in chosen.places else chosen.places[0]
            of[SIGNED_BY].value = chosen.signed_by
            of[SIGN].value = chosen.sign_again
        if label in (WHO, CHANGE, TARGET, SIGNED_BY):
            self._redraft()

    def _redraft(self) -> None:
        of = self.fields
        own = CHANGES[of[CHANGE].value].signed_by
        signed_by = "" if of[SIGNED_BY].value == own else of[SIGNED_BY].value
        self._draft = self.lab.bench.draft(
            of[CHANGE].value, to=of[TARGET].value, signed_by=signed_by
        )
        of[HEADER].value = for_reading(self._draft.header)
        of[CLAIMS].value = for_reading(self._draft.claims)

    def _back(self, button: object = None) -> None:
        self._busy = True
        for name in (WHO, CHANGE, TARGET):
            options = {CHANGE: [*CHANGES], TARGET: [*CHANGES[self._start[CHANGE]].places]}
            if name in options:
                self.fields[name].options = options[name]
            self.fields[name].value = self._start[name]
        for name in self._start.keys() - {WHO, CHANGE, TARGET, HEADER, CLAIMS, PREDICTION}:
            self.fields[name].value = self._start[name]
        self._busy = False
        self._outcome = NOTHING_SENT
        self._changed({"owner": self.fields[TARGET]})

    # sending

    def _try(self, action: Any) -> None:
        try:
            self._outcome = action()
            self._again.disabled = False
        except (LabError, requests.RequestException, ValueError) as error:
            self._fail(error)
        self._busy = True
        self.fields[PREDICTION].value = NONE
        self._busy = False
        self._show()

    def _fail(self, error: Exception) -> None:
        told = self.fields[CHANGE].value, self.fields[TARGET].value
        self._outcome = Sent(change=told[0], to=told[1], problem=str(error))

    def _rules(self) -> dict[str, Any]:
        predict = self.fields[PREDICTION].value
        rules: dict[str, Any] = {"predict": "" if predict == NONE else predict}
        if not self.lab.live:
            rules["policy"] = self._policies[self.fields[SERVER].value]
            rules["without"] = self.struck_out()
        return rules

    def _do_send(self) -> Sent:
        of = self.fields
        texts = {name: of[name].value for name in (HEADER, CLAIMS)}
        draft = ready(
            self.lab.bench,
            self._draft,
            texts,
            sign_again=of[SIGN].value,
            signed_by=of[SIGNED_BY].value,
        )
        return self.lab.bench.send(draft, **self._rules())

    def _do_send_again(self) -> Sent:
        return self.lab.bench.send_again(**self._rules())

    def _move_clock(self) -> None:
        step = seconds(self.fields[SECONDS].value, self.lab.clock.ahead)
        if step is not None:
            self.lab.clock.advance(step)
        self._show()

    # showing

    def _show(self) -> None:
        super()._changed()
        self._busy = True
        rows = rows_at(self.fields[TARGET].value, self._policies[self.fields[SERVER].value])
        chosen, predicted = CHANGES[self.fields[CHANGE].value], self.fields[PREDICTION]
        kept = predicted.value
        predicted.options = [NONE, "accepted", "no row", *rows]
        predicted.value = kept if kept in predicted.options else NONE
        for name, control in self._rows.items():
            control.disabled = not rows.get(name, False)
        self._busy = False
        about = f"{chosen.name}: {chosen.does} By {chosen.by} ({chosen.section})."
        self._about.value = note(f"{about} {chosen.worth}".rstrip())
        self._score.value = note(f"{self.lab.bench.score}.")
        ahead = self.lab.clock.ahead
        said = f"The clock of both sides is {ahead:+.0f} s from real time."
        if seconds(self.fields[SECONDS].value, ahead) is None:
            said += f" Seconds wants a number that leaves it within {FARTHEST} s of real time."
        self._clock.value = note(said)

    def __repr__(self) -> str:
        """What the panel shows, as text; the switches in a line."""
        texts = (HEADER, CLAIMS)
        names = [name for name in self.fields if name not in (*texts, *self._rows)]
        edited = [name for name in texts if self._edited(name)]
        lines = [f"  edited: {', '.join(edited) or 'nothing'}"]
        lines.append(f"  struck out: {', '.join(self.struck_out()) or 'nothing'}")
        return "\n".join([*self.told(names), *lines, repr(self.view)])

    def _edited(self, name: str) -> bool:
        own: str = getattr(self._draft, name.lower())
        return bool(self.fields[name].value != for_reading(own))
