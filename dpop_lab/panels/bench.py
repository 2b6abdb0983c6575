"""Change anything, predict, send, strike a row out, send again: the bench as a panel."""

import html
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests
from ipywidgets import HTML, Box, Checkbox, Dropdown, Select, Text, Textarea, ToggleButton
from ipywidgets import ToggleButtons as Choice

from dpop_lab.checking import Check
from dpop_lab.errors import LabError, expect
from dpop_lab.jose.jws import decoded_parts, read_jws
from dpop_lab.lab.catalogue import ACTORS, CHANGES, GROUPS, Catalogue
from dpop_lab.lab.catalogue.change import PLACES, SIGNERS
from dpop_lab.lab.crafting import Draft
from dpop_lab.lab.lab import Lab
from dpop_lab.lab.sent import Score, Sent
from dpop_lab.panels.draft_text import as_meant, for_reading, renewed
from dpop_lab.panels.panel import Panel, control, folded, note
from dpop_lab.server.common import FARTHEST
from dpop_lab.server.policies import POLICIES
from dpop_lab.server.policy import Policy
from dpop_lab.session.call import ACCEPTED, NO_ROW
from dpop_lab.show.html import SYMBOLS, style_name

SEARCH, WHO, PART, DIFFER = "Search", "Who", "Part", "The two servers differ"
CHANGE, TARGET, SIGNED_BY, SERVER = "Change", "Target", "Signed by", "Server"
HEADER, CLAIMS, ENCODED, SIGN = "Header", "Claims", "Encoded", "Sign again after editing"
SECONDS, SENT, MODE = "Seconds", "Sent so far", "A click on a row"
PREDICTS, STRIKES = "predicts it", "strikes it out"
ANYBODY, ANYTHING, HEADING = "anybody", "anything", "— "
FILTERS, TEXTS = (SEARCH, WHO, PART, DIFFER), (HEADER, CLAIMS)
HALF = {"flex": "1 1 14em", "width": "auto", "min_width": "0"}
WHOLE = {"width": "auto"}
LABEL = "6em"
HINT = "Choose a change, predict the row that says no, send; then strike it out, and send again."
EDITING = (
    "jti, iat, ath and nonce are made anew each time unless you edit them. The encoded proof "
    "follows header and claims, and they follow it; once edited, it is sent as it stands."
)
FAR = f"Seconds wants a number that leaves it within {FARTHEST} s of real time."
FOLDER = Path(__file__).parent
SCRIPT, STYLE = ((FOLDER / f"bench.{kind}").read_text("utf-8") for kind in ("js", "css"))
LOOKS = f'<style onload="{html.escape(SCRIPT)}">{STYLE}</style>'


def rows_at(place: str, policy: Policy) -> dict[str, bool]:
    """The rows asked at a place, in their order, each with whether it can be struck out."""
    profiles = [policy.profiles[name] for name in PLACES[place].profiles]
    return {row.name: row.name not in one.essential for one in profiles for row in one.rows}


def all_rows(policies: Iterable[Policy]) -> dict[str, Check]:
    """Every row that any of these policies asks anywhere, by its name."""
    profiles = (one for policy in policies for one in policy.profiles.values())
    return {row.name: row for one in profiles for row in one.rows}


class BenchPanel(Panel):
    """The bench of a lab with a control for everything that `Lab.send` can be told.

    Choosing a change, a target or a signer writes the proof into the texts; what is edited there is
    sent as it stands, but jti, iat, ath and nonce are made anew unless they were edited. `chips`
    are the buttons of the rows, `view` is what is shown: a `Sent`, or the riddle that was drawn.
    Raises `LabError` for names that are unknown.
    """

    purpose = "sends what you change to a server, and shows which row refuses it."
    nothing = "Nothing was sent yet. Choose or edit, predict which row says no, and send."
    view: Sent | Draft | None

    def __init__(self, lab: Lab | None = None, change: str = "honest", to: str = "") -> None:
        expect(lab, (Lab, type(None)), "BenchPanel", "Lab() makes one.")
        self.lab = lab or Lab()
        self._bench, self.score, self.predicted = self.lab.bench, Score(), ""
        self._before = max((one.number for one in self._bench.history), default=0)
        self._draft = self._bench.draft(change, to=to)
        self._shown: Sent | Draft | None = None
        rules = self.lab.policy
        self._policies = dict(POLICIES) if rules.struck_out else {**POLICIES, rules.name: rules}
        self._struck, self._encoded = {*rules.struck_out}, ""
        look: dict[str, Any] = {}  # shared by all, else each has one of its own
        self.chips: dict[str, Any] = {}
        for name in (ACCEPTED, *all_rows(self._policies.values()), NO_ROW):
            self.chips[name] = chip = ToggleButton(description=name, **look)
            chip.observe(lambda event: self._react(self._press, event.owner), "value")
            look = {"layout": chip.layout, "style": chip.style}
        self._rows = Box().add_class("dpop-lab-rows")
        self._about, self._told, self._clock = HTML(), HTML(), HTML()
        self._send = self.button("Send", self._send_draft)
        self._send.button_style = "primary"
        self._again = self.button("Send again", self._send_again)
        self._blind = self.button("Draw one blind", self._draw)
        self._move = self.button("Move the clock", self._move_clock)
        mode = control(Choice, MODE, PREDICTS, WHOLE, options=[PREDICTS, STRIKES])
        above = [[mode], [self._rows]]
        super().__init__("The bench", HINT, *self._parts(rules), above=above)

    def _parts(self, rules: Policy) -> list[list[Any]]:
        """The change and how to find it, whose rules, the buttons; folded, the proof, the clock."""
        draft, server = self._draft, rules.name if rules.name in self._policies else "DUENDE"
        parts = [(ANYTHING, ""), *((title, name) for name, title in GROUPS.items())]
        written = {**dict(zip(TEXTS, map(for_reading, draft.proposed), strict=True)), ENCODED: ""}
        high = WHOLE | {"height": "11em"}
        texts = [
            [control(Textarea, label, text, high, LABEL, continuous_update=False)]
            for label, text in written.items()
        ]
        step = control(Text, SECONDS, "30", {"width": "10em"}, continuous_update=False)
        listed, so_far = (
            _listed(CHANGES),
            control(Select, SENT, None, WHOLE, LABEL, options=[], rows=4),
        )
        return [
            [
                HTML(LOOKS, layout={"display": "none"}),
                control(Text, SEARCH, "", HALF, LABEL, placeholder="slash htu"),
            ],
            [
                control(Dropdown, WHO, ANYBODY, HALF, LABEL, options=[ANYBODY, *ACTORS]),
                control(Dropdown, PART, "", HALF, LABEL, options=parts),
            ],
            [control(Checkbox, DIFFER, False, indent=False), self._blind],
            [control(Select, CHANGE, draft.change.name, WHOLE, LABEL, options=listed, rows=8)],
            [self._about],
            [
                control(Dropdown, TARGET, draft.to, HALF, LABEL, options=draft.change.places),
                control(Dropdown, SERVER, server, HALF, LABEL, options=[*self._policies]),
            ],
            [
                control(Dropdown, SIGNED_BY, draft.change.signed_by, HALF, LABEL, options=SIGNERS),
                control(Checkbox, SIGN, draft.change.sign_again, HALF, indent=False),
            ],
            [self._send, self._again, self.start_again, self._told],
            [so_far.add_class("dpop-lab-sent")],
            [folded("Edit the proof", [HTML(note(EDITING))], *texts)],
            [folded("Move the clock", [step, self._move], [self._clock])],
        ]

    def look(self) -> Sent | Draft | None:
        """What was sent last or brought back, or the riddle."""
        return self._shown

    @property
    def _is_riddle(self) -> bool:
        return isinstance(self._shown, Draft)

    @property
    def sent(self) -> list[Sent]:
        """What was sent since this panel was made, the last one first."""
        return [one for one in reversed(self._bench.history) if one.number > self._before]

    def struck_out(self) -> tuple[str, ...]:
        """The rows that are switched off, of those the chosen server has anywhere."""
        known = self._policies[self.fields[SERVER].value].row_names
        return tuple(name for name in self.chips if name in self._struck and name in known)

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
        of, draft = self.fields, self._draft
        if label in FILTERS:
            self._narrow()
        if label == CHANGE and of[CHANGE].value not in (None, *CHANGES):  # the heading of a group
            of[CHANGE].index += 1
        name = of[CHANGE].value
        if label == CHANGE or (label in FILTERS and name not in (None, draft.change.name)):
            kept = of[TARGET].value
            to = kept if kept in CHANGES[name].places else ""
            self._take(self._bench.draft(name, to=to))
        elif label in (TARGET, SIGNED_BY):
            self._take(self._drafted())
        elif label == SENT:
            self._bring_back(of[SENT].value)
        elif label in ("", SIGN, *TEXTS):
            self._encode()
        elif label == ENCODED:
            self._decode()

    def _narrow(self) -> None:
        """List the changes that are searched for; the chosen one stays, if it is among them."""
        chosen, kept = self.values(), self._draft.change.name
        found = CHANGES.search(chosen[SEARCH])
        found = found if chosen[WHO] == ANYBODY else found.by(chosen[WHO])
        found = found.of(chosen[PART]) if chosen[PART] else found
        self._list(found.differing if chosen[DIFFER] else found, kept)

    def _list(self, found: Catalogue, chosen: str) -> None:
        listed = self.fields[CHANGE]
        with listed.hold_sync():
            listed.options = _listed(found)
            listed.value = chosen if chosen in found else next(iter(found), None)

    def _take(self, draft: Draft) -> None:
        """Put a draft into the fields; a riddle, and what could not be sent, are over."""
        if not (isinstance(self._shown, Sent) and self._shown.number):
            self._shown = None
        self._draft, change = draft, draft.change
        if change.name not in dict(self.fields[CHANGE].options).values():
            self.write(dict.fromkeys(FILTERS[:1], "") | {WHO: ANYBODY, PART: "", DIFFER: False})
            self._list(CHANGES, change.name)
        self.fields[TARGET].options = CHANGES[change.name].places  # of which this takes the first
        signing = {SIGNED_BY: change.signed_by, SIGN: change.sign_again}
        self.write({CHANGE: change.name, TARGET: draft.to, **signing})
        self.write({HEADER: for_reading(draft.header), CLAIMS: for_reading(draft.claims)})
        self._encode()
        if draft.typed is not None:
            self.write({ENCODED: draft.typed})
            self._decode()

    def _drafted(self) -> Draft:
        """A draft of this moment of what is chosen."""
        chosen, name = self.values(), self._draft.change.name
        signing = {"signed_by": chosen[SIGNED_BY], "sign_again": chosen[SIGN]}
        return self._bench.draft(name, to=chosen[TARGET], **signing)

    def _encode(self) -> None:
        """Write the proof that the two texts make at this moment."""
        chosen, draft = self.values(), self._draft
        change = replace(draft.change, sign_again=chosen[SIGN])
        header, claims = (as_meant(chosen[label]) for label in TEXTS)
        draft = replace(draft, change=change, header=header, claims=claims, typed=None)
        self._encoded = self._bench.parties.proof(draft)
        self.write({ENCODED: self._encoded})

    def _decode(self) -> None:
        """Write header and claims of the encoded proof, where it can be read."""
        encoded = "".join(self.fields[ENCODED].value.split())
        if not read_jws(encoded).problem:
            texts = zip(TEXTS, map(for_reading, decoded_parts(encoded)), strict=True)
            self.write(dict(texts))

    def _bring_back(self, number: int) -> None:
        """Show what was sent under a number, and put it into the fields."""
        self._take(self._bench.draft_of(number))
        self._shown = next(one for one in self.sent if one.number == number)

    def back(self) -> None:
        """Bring the fields back, with a proof of this moment and all rows."""
        super().write({name: value for name, value in self._start.items() if name in FILTERS})
        self._list(CHANGES, self._start[CHANGE])
        self._shown, self._struck, self.predicted = None, {*self.lab.policy.struck_out}, ""
        kept = {SERVER, SECONDS, MODE}
        self.write({name: value for name, value in self._start.items() if name in kept})
        self._take(self._bench.draft(self._start[CHANGE], to=self._start[TARGET]))

    def _press(self, chip: Any) -> None:
        """Predict the row of a chip, or strike it out; pressed again, take that back."""
        name = next(name for name, one in self.chips.items() if one is chip)
        if self.fields[MODE].value == PREDICTS:
            self.predicted = name if chip.value else ""
        else:
            self._struck ^= {name}

    # sending

    def _draw(self) -> None:
        """Draw one of the changes that are listed, and show what it is not called."""
        listed = (CHANGES[value] for _, value in self.fields[CHANGE].options if value in CHANGES)
        self._shown = self._bench.riddle(Catalogue(listed))

    def _rules(self) -> dict[str, Any]:
        """The prediction, which is taken back, and the rules that the server is to have."""
        rules: dict[str, Any] = {"predict": self.predicted}
        self.predicted = ""
        if self.lab.live:
            return rules
        policy = self._policies[self.fields[SERVER].value]
        return {**rules, "policy": policy, "without": self.struck_out()}

    def _send_draft(self) -> None:
        if isinstance(self._shown, Draft):
            self._sent(self._bench.send(self._shown, **self._rules()))
            self._take(self._bench.draft_of())
        else:
            self._sent(self._bench.send(self._typed(), **self._rules()))

    def _typed(self) -> Draft:
        """What is in the fields, with what is new each time made new unless it was edited."""
        typed, old, new = self.values(), self._draft.proposed, self._drafted()
        encoded = "".join(typed[ENCODED].split())
        if encoded != "".join(self._encoded.split()):
            if not (encoded.isascii() and encoded.isprintable()):
                raise LabError("This is no value of a header line", wanted="ASCII that prints")
            return replace(new, typed=encoded)
        header, claims = (
            renewed(typed[label], old[n], new.proposed[n]) for n, label in enumerate(TEXTS)
        )
        return replace(new, header=header, claims=claims)

    def _send_again(self) -> None:
        number = self._shown.number if isinstance(self._shown, Sent) else 0
        self._sent(self._bench.send_again(number, **self._rules()))

    def _sent(self, sent: Sent) -> None:
        """Show what came, and put it on top of what was sent so far."""
        self._shown, self.score = sent, self.score.after(sent)
        listed = self.fields[SENT]
        with listed.hold_sync():
            listed.options = [(_line(one), one.number) for one in self.sent]
            listed.value = sent.number

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
        self._show_rows()
        super().show()
        chosen, riddle = self.fields[CHANGE].value, self._is_riddle
        self._send.disabled = not self.predicted if riddle else chosen is None
        self._again.disabled = riddle or not self._bench.history
        change = self._draft.change
        about = f"{change.name}: by {change.by} ({change.section}). {change.worth}".rstrip()
        about = "One is drawn; choosing another ends it." if riddle else about
        self._about.value = note(about if chosen else "No change has all of this.")
        self._told.value = note(f"{self.score}.")
        said = f"The clock of both sides is {self.lab.clock.ahead:+.0f} s from real time."
        self._clock.value = note(said if self._step() is not None else f"{said} {FAR}")

    def _show_rows(self) -> None:
        """Show the rows asked at the place, in order, each with what is known of it."""
        to, policy = self.fields[TARGET].value, self._policies[self.fields[SERVER].value]
        to, marks = self._shown.to if isinstance(self._shown, Draft) else to, dict[str, str]()
        rows = {ACCEPTED: False, **rows_at(to, policy), NO_ROW: False}
        if isinstance(self._shown, Sent) and self._shown.answered and self._shown.to == to:
            found = self._shown.answered.findings.items()
            marks = {name: one.mark for name, one in found} | {NO_ROW: "", ACCEPTED: ""}
            marks[self._shown.caught] = "passed" if self._shown.caught == ACCEPTED else "failed"
        if self.predicted not in rows:
            self.predicted = ""
        asked = [self.chips[name] for name in rows]
        if [*self._rows.children] != asked:
            self._rows.children = asked
        predicts = self.fields[MODE].value == PREDICTS
        for name, strikable in rows.items():
            chip, struck = self.chips[name], name in self._struck
            mark = "" if struck else marks.get(name, "")
            symbol = "?" if name == self.predicted else "⊘" if struck else SYMBOLS.get(mark, "")
            with chip.hold_sync():
                chip.description = f"{symbol} {name}".lstrip()
                chip.value = name == self.predicted if predicts else struck
                chip.disabled = not (predicts or strikable)
                kind = "struck" if struck else style_name(mark)
                chip._dom_classes = (f"dpop-lab-{kind}",) * bool(kind)

    def told(self, *left_out: str) -> list[str]:
        """The fields, a line each; texts, rows and what was sent in one."""
        fields, draft = self.values(), self._draft
        texts = {HEADER: for_reading(draft.proposed[0]), CLAIMS: for_reading(draft.proposed[1])}
        texts[ENCODED] = self._encoded
        edited = [label for label, text in texts.items() if fields[label] != text]
        sent = [f"#{one.number} {one.caught or 'not sent'}" for one in self.sent]
        return [
            *super().told(*texts, SENT, MODE, *left_out),
            f"  edited: {', '.join(edited) or 'nothing'}",
            f"  struck out: {', '.join(self.struck_out()) or 'nothing'}",
            f"  predicted: {self.predicted or 'nothing'}",
            f"  sent so far: {', '.join(sent) or 'nothing'}; {self.score}",
        ]


def _listed(found: Catalogue) -> list[tuple[str, str]]:
    """Titles and names of changes, each group under its heading."""
    options = list[tuple[str, str]]()
    for group, title in GROUPS.items():
        members = [(one.title, one.name) for one in found.of(group).values()]
        options += [(HEADING + title, HEADING + title), *members] if members else []
    return options


def _line(sent: Sent) -> str:
    """What was sent in a line: number, verdict, prediction, change."""
    mark = "✓" if sent.caught == ACCEPTED else "✗"
    came = "right" if sent.predicted == sent.caught else "wrong"
    said = f" ({came})" if sent.predicted and sent.caught else ""
    return f"#{sent.number}  {mark} {sent.caught or 'not sent'}{said}: {sent.title}, {sent.to}"
