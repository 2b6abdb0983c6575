"""What an exercise is: a task, what it hands out, and the steps by which it is solved."""

import ast
import inspect
import re
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dpop_lab.errors import LabError, one_of
from dpop_lab.exercises.scene import Scene
from dpop_lab.session.call import ACCEPTED
from dpop_lab.show import Block, Card, Shown, Table
from dpop_lab.show.values import cut

KINDS = ("predict", "do", "mend", "attack", "defend")
HINTS = 3
LONGEST = 1000  # characters of what is told
TAKEN = ("lab", "predict", "name", "hint", "solved", "start_again", "state", "source", "exercise")
#: Each step is whether it is done and what is told when it is not; the end is the praise.
Steps = Generator[tuple[object, str], None, str]
UNREADABLE = (AttributeError, KeyError, IndexError, TypeError, ValueError)
NOTHING = "The server of this exercise has seen nothing of you yet."


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """A task with its set-up and the steps to its solution; CONTRIBUTING.md has the recipe.

    Raises `LabError` where a part of it is not as it has to be.
    """

    id: str  #: lesson and number: `05.2`
    kind: str  #: one of `KINDS`
    title: str
    task: str
    hints: tuple[str, str, str]  #: opened one by one
    start: Callable[[Scene], Mapping[str, Any]] = field(repr=False)  #: what it hands out, by name
    steps: Callable[[Scene], Steps] = field(repr=False)
    gives: Mapping[str, str] = field(default_factory=dict)  #: what each of these is, in words
    cases: Mapping[str, str] = field(default_factory=dict)  #: what can be sent, by its name
    code: Callable[..., Any] | None = None  #: what is to be mended: its source is shown
    names: tuple[str, ...] = ()  #: what may be named or predicted beside the rows of the policies

    def __post_init__(self) -> None:
        """Ask that it fits the card."""
        problems = {
            "id": re.fullmatch(r"\d\d\.\d{1,2}", self.id),
            "kind": self.kind in KINDS,
            "hints": len(self.hints) == HINTS,
            "gives": not {*self.gives} & {*TAKEN} and all(map(str.isidentifier, self.gives)),
        }
        for part, good in problems.items():
            if not good:
                raise LabError(f"The exercise {self.id} has no good {part}")

    @property
    def lesson(self) -> str:
        """The number of its lesson: `05`."""
        return self.id.partition(".")[0]

    @property
    def heading(self) -> str:
        """Its id, title and kind: `05.2 The token was renewed (mend)`."""
        return f"{self.id} {self.title} ({self.kind})"

    @property
    def source(self) -> str:
        """What is to be mended, as source to be pasted; empty where there is nothing."""
        if self.code is None:
            return ""
        text, names = inspect.getsource(self.code), inspect.signature(self.code).parameters
        (function,) = ast.parse(text).body
        body = text.splitlines()[getattr(function, "body")[0].lineno - 1 :]  # noqa: B009
        return "\n".join([f"def {self.code.__name__}({', '.join(names)}):", *body])

    def begin(self, scene: Scene) -> None:
        """Make a scene ready. Raises `LabError` where other things are handed out than named."""
        given = {**self.start(scene), **({self.code.__name__: self.code} if self.code else {})}
        if {*given} != {*self.gives}:
            wanted, found = ", ".join(self.gives), ", ".join(given)
            raise LabError(f"The exercise {self.id} gives other things", wanted=wanted, found=found)
        scene.begin(given)

    def judged(self, scene: Scene) -> "Feedback":
        """What is told of what was seen: the first step that is missing, or the praise."""
        if not scene.count:
            return Feedback(False, NOTHING)
        steps = self.steps(scene)
        while True:
            try:
                done, words = next(steps)
            except StopIteration as end:
                return Feedback(True, end.value)
            except UNREADABLE:  # what a learner sends may be anything
                return Feedback(False, "What was sent can't be read by this exercise.", scene.facts)
            if not done:
                return Feedback(False, *_clean(scene, words))


@dataclass(frozen=True, slots=True, repr=False)
class Feedback(Shown):
    """Solved or not yet: the praise, or what is missing, and what was seen. True when solved."""

    solved: bool
    words: str
    facts: tuple[tuple[str, str], ...] = ()
    tried: tuple[tuple[str, str], ...] = ()  #: how the trials of a repair ended

    def __bool__(self) -> bool:
        return self.solved

    def blocks(self) -> Iterator[Block]:
        """A card, and the trials of a repair."""
        told = f"{'Solved' if self.solved else 'Not yet'}. {self.words}"
        yield from self.under(told, "passed" if self.solved else "not asked")

    def under(self, told: str, mark: str) -> Iterator[Block]:
        """What was seen, under these words."""
        yield Card(told, mark, self.facts)
        if self.tried:
            yield Table("With this repair", self.tried, ("Who comes", "What is answered"))


Pairs = tuple[tuple[str, str], ...]


def _clean(scene: Scene, words: str) -> tuple[str, Pairs, Pairs]:
    """Words, what was seen and how trials ended, without the secrets that the lab's log knows."""

    def known(text: str) -> str:
        return cut(scene.lab.log.known([text])[0], LONGEST)

    facts, tried = (
        tuple((name, known(text)) for name, text in pairs) for pairs in (scene.facts, scene.tried)
    )
    return known(words), facts, tried


def all_predicted(scene: Scene, number: int, why: Mapping[str, str], *, spare: int = 0) -> Steps:
    """The steps of a prediction of so many requests, each made before it was sent.

    `why` explains an answer to who predicted another: by the row that said no, or `accepted`. So
    many wrong predictions as `spare` are only told of.
    """
    sent, wrong = [one for one in scene.calls if one.handed], ""
    for call in sent:
        unsaid = f"{call.handed!r} was sent without a prediction. Start again."
        yield call.predicted, unsaid
        if call.predicted == call.caught:
            continue
        came = "it was accepted" if call.caught == ACCEPTED else f"{call.caught} said no"
        reason = why.get(call.caught, "")
        wrong += f"Of {call.handed!r} you predicted {call.predicted}, and {came}. {reason} "
        yield spare, f"{wrong}Start again."
        spare -= 1
    right = len(sent) - wrong.count("you predicted")
    yield len(sent) >= number, f"{wrong}Predicted rightly so far: {right} of {number}. Go on."
    return f"{wrong}All others you saw coming." if wrong else "You saw each answer coming."


def each_once(
    scene: Scene, what: str, sends: Mapping[str, Callable[[], Any]]
) -> Callable[[str], Any]:
    """A function that sends one of these, by its name and once, and gives the answer.

    It raises `LabError` for another name, and the second time.
    """
    sent: set[str] = set()

    def send(name: str) -> Any:
        chosen = one_of(what, name, sends)
        if name in sent:
            raise LabError(f"{name} was sent already", advice="task.start_again() for another go.")
        sent.add(name)
        return scene.hand_on(chosen, name)

    return send
