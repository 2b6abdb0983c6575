"""Change anything, predict, send, strike a row out, send again: the bench as a panel."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import requests
from ipywidgets import HTML

from dpop_lab.errors import LabError, expect
from dpop_lab.lab.catalogues import any_change
from dpop_lab.lab.draft import Draft
from dpop_lab.lab.lab import Lab
from dpop_lab.lab.sent import Score, Sent
from dpop_lab.panels import choices
from dpop_lab.panels.catalogue import FILTERS, HEADING, WHAT, drawable, narrowed, offer, put
from dpop_lab.panels.draft_text import ENCODED, TEXTS, as_typed, decoded, of_now, texts_of
from dpop_lab.panels.panel import Panel, note
from dpop_lab.panels.rows import MODE, Rows, asked_of, marks_of
from dpop_lab.server.policies import POLICIES
from dpop_lab.server.policy import Policy

HINT = "Choose a change, predict the row that says no, send; then strike it out, and send again."


class BenchPanel(Panel):
    """The bench of a lab with a control for all that `Lab.send` and `Lab.attack` can be told.

    Choosing a change, a target or a signer writes the proof into the texts; what is edited there is
    sent as it stands, but jti, iat, ath and nonce are made anew unless they were edited. An attack
    on a sign-in has no such texts; opened with one, the panel offers these first. `rows` has the
    buttons of the rows, `score` the predictions since the panel was made. `view` is what was sent
    or brought back last (a `Sent`), or the riddle that was drawn (a `Draft`). Raises `LabError` for
    names that are unknown.
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
        # is there a later choice; how many changes were drawn from; why the clock was not moved
        self._old, self._pool, self._far = False, 0, ""
        rules = self.lab.policy
        self._policies = dict(POLICIES) if rules.struck_out else {**POLICIES, rules.name: rules}
        self.rows = Rows(rules.struck_out, self._react)
        self._about, self._told, self._clock = HTML(), HTML(), HTML()
        self._send = self.button("Send", self._send_draft)
        self._send.button_style = "primary"
        self._again = self.button("Send again", self._send_again)
        self._blind = self.button("Draw one blind", self._draw)
        self._move = self.button("Move the clock", self._move_clock)
        super().__init__("The bench", HINT, *self._parts(rules), above=self.rows.parts)

    def _parts(self, rules: Policy) -> list[list[Any]]:
        """The change and how to find it, whose rules, the buttons; folded, the proof, the clock."""
        fixed = self.rows.mode.disabled = self.lab.live  # another server keeps to its own rules
        return choices.parts(
            choices.controls(self._draft, rules.name, self._policies, fixed=fixed),
            [self._blind],
            [self._about],
            [self._send, self._again, self.start_again, self._told],
            [self._move, self._clock],
            self._draft,
        )

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
        server = self.fields[choices.SERVER].value or self._start[choices.SERVER]
        return self._draft.under(self._policies[server])

    # what follows from a control

    def _react(self, action: Callable[..., object], *given: Any) -> None:
        def tried() -> None:
            try:
                action(*given)
            except (LabError, requests.RequestException, ValueError) as error:
                self._shown = Sent(change="", to="", problem=str(error))

        super()._react(tried)

    def follow(self, label: str) -> None:
        """Offer what goes with a choice, and draft its proof; keep texts and encoding the same."""
        field, drafted = self.fields[choices.CHANGE], self._draft.change.name
        if label in self.fields and self.fields[label].value is None:  # by code: nothing follows
            return
        if label in FILTERS:
            offer(narrowed(self.fields), field, drafted)
            if isinstance(self._shown, Draft):
                field.value = None  # else it looks like what was drawn
        if label == choices.CHANGE and field.value.startswith(HEADING):
            field.index += 1
        if label == choices.CHANGE or (label in FILTERS and field.value not in (None, drafted)):
            to = self.fields[choices.TARGET].value
            to = to if to in any_change(field.value).places else ""
            self._take(self._bench.draft(field.value, to=to))
        elif label in (choices.TARGET, choices.SIGNED_BY):
            self._take(self._drafted())
        elif label == choices.SENT:
            self._bring_back(self.fields[choices.SENT].value)
        elif label in ("", choices.SIGN, *TEXTS):
            self._end()
            self._encode()
        elif label == ENCODED:
            self._end()
            self.write(decoded(self.fields[ENCODED].value))

    def _end(self) -> None:
        """Show a riddle, or what could not be sent, no longer."""
        if isinstance(self._shown, Draft):
            self._choose(self._draft.change.name)
        if not (isinstance(self._shown, Sent) and self._shown.number):
            self._shown = None

    def _choose(self, name: str) -> None:
        """Choose a change in the list, which offers all if it is not in it."""
        if name not in dict(self.fields[choices.CHANGE].options).values():
            self.write(FILTERS | {WHAT: choices.what_of(self._draft)})
            offer(narrowed(self.fields), self.fields[choices.CHANGE], name)
        self.write({choices.CHANGE: name})

    def _take(self, draft: Draft) -> None:
        """Put a draft into the fields; what was shown of another is over."""
        self._end()
        self._draft, self._old, change = draft, True, draft.change
        self._choose(change.name)
        put(self.fields[choices.TARGET], change.places, draft.to)
        self.write(dict(zip(choices.SIGNING, draft.signing, strict=True)) | texts_of(draft))
        self._encode()
        if draft.typed is not None:
            self.write({ENCODED: draft.typed, **decoded(draft.typed)})

    def _drafted(self) -> Draft:
        """A draft of this moment of what is chosen."""
        if self._draft.whole:
            return self._draft
        chosen, name = self.values(), self._draft.change.name
        signing = {"signed_by": chosen[choices.SIGNED_BY], "sign_again": chosen[choices.SIGN]}
        return self._bench.draft(name, to=chosen[choices.TARGET], **signing)

    def _encode(self) -> None:
        """Write the proof that the two texts make at this moment."""
        self._encoded = ""
        if not self._draft.whole:
            change = replace(self._draft.change, sign_again=self.fields[choices.SIGN].value)
            draft = as_typed(replace(self._draft, change=change), self.values())
            self._encoded = self._bench.parties.proof(draft)
        self.write({ENCODED: self._encoded})

    def _bring_back(self, number: int) -> None:
        """Show what was sent under a number, and put it into the fields."""
        self._take(self._bench.draft_of(number))
        self._shown, self._old = next(one for one in self.sent if one.number == number), False

    def back(self) -> None:
        """Bring the fields back, with a proof of this moment and all rows."""
        start = self._start
        self.write({one: start[one] for one in (*FILTERS, choices.SERVER, choices.SECONDS)})
        offer(narrowed(self.fields), self.fields[choices.CHANGE], start[choices.CHANGE])
        self._shown = None
        self.rows.start()
        self._take(self._bench.draft(start[choices.CHANGE], to=start[choices.TARGET]))

    # sending

    def _draw(self) -> None:
        """Draw a change, of all when few are listed, and show what it does, not what it is."""
        pool = drawable(self.values())
        self._shown, self._pool = self._bench.riddle(pool), len(pool)
        self.rows.start()
        self.write({choices.CHANGE: None})

    def _asked(self, draft: Draft) -> dict[str, Any]:
        """The prediction, which is taken back, and the rules that the server is to have."""
        rules = {"policy": self._rules, "without": self.rows.struck_of(draft, self._rules)}
        return {"predict": self.rows.taken(), **({} if self.lab.live else rules)}

    def _send_draft(self) -> None:
        riddle = self._shown if isinstance(self._shown, Draft) else None
        draft = riddle or of_now(self._drafted(), self.values(), self._draft, self._encoded)
        sent = self._bench.send(draft, **self._asked(draft))
        if riddle:
            self._take(self._bench.draft_of())
        self._keep(sent)

    def _send_again(self) -> None:
        number = self._shown.number if isinstance(self._shown, Sent) else 0
        asked = self._asked(self._bench.draft_of(number))
        self._keep(self._bench.send_again(number, **asked))

    def _keep(self, sent: Sent) -> None:
        """Show what came from now on, and count the prediction."""
        self._shown, self._old, self.score = sent, False, self.score.after(sent)

    def _move_clock(self) -> None:
        self._far = choices.moved(self.lab.clock, self.fields[choices.SECONDS].value)

    # showing

    def show(self) -> None:
        """Show what is chosen and what came of it, and the rows asked there with their marks."""
        drawn = self._shown if isinstance(self._shown, Draft) else None
        super().show()  # first, for this is what is waited for
        (self.root.add_class if self._draft.whole else self.root.remove_class)(choices.WHOLE)
        asked = asked_of(drawn or self._draft, self._rules)
        self.rows.show(asked, marks_of(None if self._old else self._shown))
        choices.list_sent(self.fields[choices.SENT], self.sent)
        chosen = self.fields[choices.CHANGE].value
        self._send.disabled = not self.rows.predicted if drawn else chosen is None
        self._again.disabled = bool(drawn) or not self._bench.history
        self._about.value = note(choices.words(self._draft, chosen, self._pool, drawn))
        self._told.value = note(choices.score_words(self.score, self._shown, earlier=self._old))
        ahead = f"{self.lab.clock.ahead:+.0f} s from real time"
        self._clock.value = note(f"The clock of both sides is {ahead}. {self._far}".rstrip())

    def told(self, *left_out: str) -> list[str]:
        """The fields, a line each; texts, rows and what was sent in one."""
        fields = self.values()
        texts = texts_of(self._draft) | {ENCODED: self._encoded}
        struck = self.rows.struck_of(self._draft, self._rules)
        untold = *texts, MODE, *choices.untold(self._draft), *left_out
        edited = [name for name, text in texts.items() if fields[name] != text]
        return [
            *super().told(*untold),
            f"  edited: {', '.join(edited) or 'nothing'}",
            f"  struck out: {', '.join(struck) or 'nothing'}",
            f"  predicted: {self.rows.predicted or 'nothing'}",
            f"  sent so far: {len(self.sent)}, {self.score}",
            *(f"    {one.line}" for one in self.sent),
        ]
