"""What all houses of the heist have: an alarm, lists to choose from, a mistake and its repair."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from dpop_lab.errors import LabError, expect, one_of
from dpop_lab.exercises.mistakes import Revision, in_code, told
from dpop_lab.server.policy import Policy
from dpop_lab.show import Block, Note, Shown, Table

ALARM = 12  # sends; with the next one the alarm goes
NAMES, REPAIRS_TRIED = 2, 3  # that may be tried: with more, whoever guesses is right at last
GUESSED = f"More than {NAMES} names are guesses: start again."
ALARMED = f"The alarm went after {ALARM} sends: start again."


@dataclass(frozen=True, slots=True, repr=False)
class Listed(Shown):
    """A table of what there is to choose from."""

    head: tuple[str, str]
    rows: tuple[tuple[str, str], ...]

    def blocks(self) -> Iterator[Block]:
        """All of it."""
        yield Table("", self.rows, self.head)


@dataclass(frozen=True, slots=True, repr=False)
class Found(Shown):
    """A mistake in words, and in code."""

    words: str
    code: tuple[tuple[str, str], ...] = ()

    def blocks(self) -> Iterator[Block]:
        """Words, then code if there is any."""
        yield Note(self.words)
        if self.code:
            yield Table("", self.code, ("Where", "In code"), (), ("In code",))


def telling(made: Revision, found: Callable[[], bool]) -> Callable[[], Shown]:
    """What shows a mistake, in words and in code, once it was found."""

    def mistake() -> Shown:
        """What was wrong, in code, once you got in and have named it."""
        if not found():
            return Found("You will see it when you got in and have named what is to blame.")
        return Found(told(made), in_code(made))

    return mistake


def repairing(
    repairs: Mapping[str, Revision], policy: Policy, try_out: Callable[[Policy], object]
) -> Callable[[str | Policy], object]:
    """What puts a repair of this policy in, and tries it out."""
    tried: set[str] = set()

    def repair(choice: str | Policy) -> object:
        """Put a repair in, by its name, or a policy of your own; the attack comes again.

        Raises `LabError` for another server's policy, and for more than a few of the list.
        """
        if isinstance(choice, str):
            chosen = one_of("repair", choice, repairs)
            if len(tried) == REPAIRS_TRIED and choice not in tried:
                raise LabError(f"{REPAIRS_TRIED} repairs were tried", advice="task.start_again()")
            tried.add(choice)
            return try_out(chosen(policy))
        expect(choice, Policy, "repair", "Its name, or a policy made of task.lab.policy.")
        if choice.name != policy.name:
            wanted, found = f"a policy made of {policy.name}'s, task.lab.policy", choice.title
            raise LabError("That is another server", wanted=wanted, found=found)
        return try_out(choice)

    return repair
