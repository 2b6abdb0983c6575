"""Find and repair: of four repairs one is right, and the others are told why not."""

from tests.exercises import Tried

RIGHT = {"06.6": "d", "07.5": "b", "08.5": "c"}


def repaired(*letters):
    """Watch the attack, and try these repairs one after the other."""

    def way(task):
        task.attack()
        for letter in letters:
            task.repair(letter)

    return way


TRIED = {
    name: Tried(
        solve=repaired(right),
        wrong=(lambda task: task.attack(), *(repaired(one) for one in "abcd" if one != right)),
    )
    for name, right in RIGHT.items()
}
