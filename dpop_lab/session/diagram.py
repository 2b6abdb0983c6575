"""A story as a Mermaid sequence diagram: who sent what to whom, and what came back."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dpop_lab.session.call import Call
from dpop_lab.show.values import one_line

MOST, LARGEST = 60, 45_000  # steps, and characters: of more than 50,000 Mermaid draws nothing
LONGEST = 90  # characters of a line
PLAIN = re.compile(r"[^A-Za-z0-9 .,:/()_+*=?'-]")
LIGHT = '%%{init: {"theme": "default"}}%%'  # on paper: a drawing follows no change of the theme
PAPER = "    rect rgb(255, 255, 255)"
KEYWORD = re.compile(r"\b(e)(?=nd\b)", re.IGNORECASE)  # `end`, even inside a text, ends a block


@dataclass(frozen=True, slots=True, repr=False)
class Diagram:
    """A sequence diagram: `text` is its Mermaid source, which a notebook shows as a drawing."""

    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        """The source, and the Markdown that JupyterLab draws, itself and without a network."""
        return {"text/plain": self.text, "text/markdown": f"```mermaid\n{self.text}\n```"}


def sequence_diagram(steps: Sequence[Call], most: int = MOST) -> Diagram:
    """The diagram of these steps; of the last ones alone, `most`, where there are too many."""
    drawn = steps[-most:]
    actors = {actor: f"S{i}" for i, actor in enumerate(dict.fromkeys(map(_actor, drawn)), 1)}
    count = f"{len(drawn)} exchange{'' if len(drawn) == 1 else 's'}"
    lines = [
        LIGHT,
        "sequenceDiagram",
        f"    accTitle: Sequence diagram of {count} of the client",
        "    participant C as client",
        *(f"    participant {one} as {_text(role)}<br/>{_text(host)}"
          for (role, host), one in actors.items()),
    ]  # fmt: skip
    if len(drawn) < len(steps):
        lines.append(f"    Note over C: {len(steps) - len(drawn)} exchanges before")
    messages = [line for step in drawn for line in _messages(step, actors[_actor(step)])]
    if messages:
        lines += [PAPER, *messages, "    end"]
    text = "\n".join(lines)
    return Diagram(text) if len(text) <= LARGEST else sequence_diagram(steps, most // 2)


def _actor(step: Call) -> tuple[str, str]:
    return step.role, step.origin.partition("://")[2]


def _messages(step: Call, server: str) -> list[str]:
    sent = f"{step.number}. {_text(step.request)}<br/>{_text(step.carried)}"
    came = f"{_text(step.answer)}<br/>{_text(step.meaning)}"
    if step.exchange.status is None:
        return [f"    C-x{server}: {sent}", f"    Note right of C: {came}"]
    return [f"    C->>{server}: {sent}", f"    {server}-->>C: {came}"]


def _text(text: str) -> str:
    """Text that Mermaid shows as it is: whatever could be its syntax goes by number."""
    numbered = PLAIN.sub(lambda match: f"#{ord(match[0])};", _short(one_line(text)))
    return KEYWORD.sub(lambda match: f"#{ord(match[1])};", numbered)


def _short(line: str) -> str:
    """A line as long as it may be: of a reason the row alone, of all else the first words."""
    if len(line) > LONGEST:
        line = line.partition(": wanted ")[0]
    if len(line) > LONGEST:
        line = (line[:LONGEST].rpartition(" ")[0] or line[:LONGEST]) + "…"
    return line
