"""Paste or drop what you have, and read as you type what is wrong with it and what to do."""

import html
import json
import re
import time
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any

from ipywidgets import HTML, Dropdown, Password, Text, Textarea

from dpop_lab.doctor.diagnosis import WHAT, Diagnosis, diagnose
from dpop_lab.errors import expect
from dpop_lab.jose.jws import read_jws
from dpop_lab.lab.lab import Lab
from dpop_lab.panels.panel import WIDE, Panel, control, folded, live, note, spoken
from dpop_lab.server.policies import POLICIES
from dpop_lab.show.values import date, seconds_since_1970
from dpop_lab.wire.message import Redacted
from dpop_lab.wire.syntax import WORD, normal_url

PASTE, URL, METHOD, TOKEN = "Paste it here", "URL", "Method", "Access token"
NONCE, TIME, HELD_TO = "Nonce", "Time", "Held to"
AUTOMATIC, NOW, NOTHING = "automatic", "now", "Nothing is here yet."
MOST = 3_000_000  # characters in the box: Jupyter drops a connection that brings over 10 MiB


def _seconds(text: str) -> float | None:
    return time.time() if text == NOW else seconds_since_1970(text)


READ: Mapping[str, tuple[Callable[[str], Any], str]] = {  # None is what can't be meant
    URL: (normal_url, "http:// or https://, a host and a path"),
    METHOD: (re.compile(WORD).fullmatch, "a word such as GET"),
    TIME: (_seconds, "now, seconds since 1970, an HTTP date or an ISO 8601 date"),
}


def _printed(exchange: Redacted) -> str:
    """A request and its answer as `curl -v` prints them, without the secrets."""
    exchange = exchange.with_proofs()
    head, _, body = exchange.received().partition("\n\n")
    sides = ((">", exchange.sent().rstrip()), ("<", head))
    printed = (f"{sign} {line}" for sign, text in sides for line in [*text.splitlines(), ""])
    return "\n".join([*printed, body])


def _refused(lab: Lab) -> str:
    """A call that an API refuses."""
    lab.send("htu_with_http")
    return _printed(lab.log[-1])


def _decoded(lab: Lab) -> str:
    """A proof as a debugger of JWTs shows it."""
    lab.send(header={"typ": "JWT"})
    proof = read_jws(lab.log[-1].proofs[0])
    parts = (("Header", proof.header), ("Payload", proof.claims))
    return "\n\n".join(f"{name}:\n{json.dumps(part, indent=2)}" for name, part in parts)


def _logged(lab: Lab) -> str:
    """What an API wrote about a client whose clock is slow."""
    now = int(lab.clock.now())
    words = f"invalid_dpop_proof: iat {now - 402} is too old, server time {now}"
    return f"[{date(now)}] WARN orders-api: 401 GET /orders: {words}"


def _signed_in(lab: Lab) -> str:
    """Where a browser was sent to sign in, and a code redeemed with another key than that named."""
    steps = lab.attack("stolen_bound_code_and_verifier").log
    asked = next(one.url for one in steps if "dpop_jkt=" in one.url)
    return f"{asked}\n\n{_printed(steps[-1])}"


EXAMPLES: Mapping[str, Callable[[Lab], str]] = {  # each made when it is asked for
    "Request": _refused,
    "Proof": _decoded,
    "Log line": _logged,
    "Sign-in": _signed_in,
}
STYLE = """
.dpop-lab-paste { flex-direction: column; align-items: stretch }
.dpop-lab-panel .dpop-lab-paste > label { align-self: flex-start }
.dpop-lab-panel ::placeholder { color: var(--jp-ui-font-color2); opacity: 1 }
.dpop-lab-panel input[type=file] { width: 9em; color: transparent }
"""
# A file that is dropped or chosen is put into the box as if it were typed. No widget of ipywidgets
# takes a drop, and what misses one would open in a tab of its own: so the whole panel takes it.
SCRIPT = """
const panel = this.closest('.dpop-lab-panel');
const read = async files => {
  const said = panel.querySelector('output'), box = panel.querySelector('textarea');
  try {
    const octets = new Uint8Array(await files[0].slice(0, 2 * MOST).arrayBuffer());
    const code = octets[0] === 255 && octets[1] === 254 ? 'utf-16le' : 'utf-8';
    box.value = new TextDecoder(code).decode(octets).slice(0, MOST);
    box.dispatchEvent(new Event('input', { bubbles: true }));
    said.textContent = '';
  } catch (error) {
    said.textContent = 'That can\\'t be read as a file.';
  }
};
panel.spellcheck = false;
panel.onpaste = () => { panel.querySelector('textarea').maxLength = MOST; };
panel.onchange = event => {
  if (event.target.files?.length) read([...event.target.files]);
  if (event.target.type === 'file') event.target.value = '';
};
panel.ondragover = event => {
  if (event.dataTransfer.types.includes('Files')) event.preventDefault();
};
panel.ondrop = event => {
  if (!event.dataTransfer.files.length) return;
  event.preventDefault();
  read([...event.dataTransfer.files]);
};
""".replace("MOST", str(MOST))
A_FILE = (
    f'<style onload="{html.escape(SCRIPT)}">{STYLE}</style>'
    f'<p><label>Or a file: <input type="file"></label> <output></output></p>'
)


class DoctorPanel(Panel):
    """A box for whatever there is of a failing call; beside it the report of `diagnose`.

    A file that is dropped on the panel, or chosen, is put into the box, as are examples, made at
    that moment and without an access token. The other fields tell what is known besides, as
    the arguments of `diagnose` do; one that can't be used is told and left out. `view` is the
    `Diagnosis`. Nothing is sent anywhere, and the panel's repr, which a saved notebook keeps,
    repeats nothing of what is in the fields. Raises `LabError` when `text` is no text.
    """

    purpose = "says what is wrong with what you paste, and what to do about it."
    nothing = f"{NOTHING} {WHAT}"
    view: Diagnosis | None

    def __init__(self, text: str = "") -> None:
        expect(text, str, "DoctorPanel", "Octets and objects: diagnose(thing).")
        self._told = live("dpop-lab-told")
        box = control(Textarea, PASTE, text, {**WIDE, "height": "13em"})
        examples = [
            self.button(name, partial(self._paste_example, name)).add_class("dpop-lab-example")
            for name in EXAMPLES
        ]
        super().__init__(
            "The doctor",
            "Paste what you have of a call that fails, or drop a file anywhere on this panel: the "
            "report follows as you type. Nothing is sent.",
            [box.add_class("dpop-lab-paste")],
            [HTML(A_FILE), self.start_again],
            [HTML("Or an example:"), *examples],
            [
                folded(
                    "What is known besides (each may stay empty)",
                    [_line(Text, URL)],
                    [_line(Text, METHOD)],
                    [_line(Password, TOKEN)],
                    [_line(Text, NONCE)],
                    [_line(Text, TIME, placeholder="now, or when it was sent")],
                    [_line(Dropdown, HELD_TO, AUTOMATIC, options=[AUTOMATIC, *POLICIES])],
                )
            ],
            [self._told],
        )

    def _paste_example(self, name: str) -> None:
        """Put one of `EXAMPLES` into the box, as it is at this moment; the other fields empty."""
        self.back()
        self.write({PASTE: EXAMPLES[name](self._lab)})

    @cached_property
    def _lab(self) -> Lab:
        return Lab()

    def look(self) -> Diagnosis | None:
        """What the doctor says of what is in the box."""
        text, known = self._filled()
        read = {name: reader(known[name]) for name, (reader, _) in READ.items()}
        unusable = [name for name, value in read.items() if known[name] and value is None]
        told = [f"{name} wants {READ[name][1]}." for name in unusable]
        if len(text) >= MOST:
            told.append(
                f"The box holds {MOST} characters, and what is beyond them is not in it: "
                "dpop-lab diagnose FILE looks at more."
            )
        self._told.value = spoken(note(" ".join(told)) if told else "")
        if not text.strip():
            return None
        known |= dict.fromkeys(unusable, "")
        return diagnose(
            text,
            url=known[URL],
            method=known[METHOD],
            token=known[TOKEN],
            nonce=known[NONCE],
            now=read[TIME],
            policy=POLICIES.get(known[HELD_TO]),
        )

    def _filled(self) -> tuple[str, dict[str, str]]:
        """What is in the box, and in the other fields."""
        known = self.values()
        return known.pop(PASTE), {name: text.strip() for name, text in known.items()}

    def __repr__(self) -> str:
        """What is there and how it stands, in a few lines that repeat none of it."""
        text, known = self._filled()
        given = [name for name in (URL, METHOD, TOKEN, NONCE) if known[name]]
        lines = [
            f"{PASTE}: {len(text)} characters" if text else f"{PASTE}: empty",
            f"given: {', '.join(given) or 'nothing'}",
            f"{HELD_TO}: {known[HELD_TO]}",
            _outcome(self.view),
        ]
        return "\n  ".join([self.title, *lines])


def _line(kind: Any, label: str, value: str = "", **traits: Any) -> Any:
    """A field on a line of its own."""
    return control(kind, label, value, WIDE, "7em", **traits)


def _outcome(view: Diagnosis | None) -> str:
    """How it stands, in words that are the same at any time."""
    if view is None:
        return NOTHING
    if not view.understood:
        return "Not understood."
    if view.healthy:
        return "Nothing is wrong with it, as far as can be seen."
    rows = dict.fromkeys(problem.row for problem in view.problems if problem.row)
    return f"Findings: {len(view.problems)}, rows {', '.join(rows) or 'none'}."
