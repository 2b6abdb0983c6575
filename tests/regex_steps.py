"""A regular expression matched step by step as `re` does it, to count the steps, and what is slow.

`re` tells no steps, and a time is of a machine. This takes the tree that `re` itself parses, tries
what `re` tries in the order in which it tries it, and counts. A repeat that is bounded is cut down
to a few: the question is how the steps grow, not how many there are.
"""

import re
from collections.abc import Iterator
from itertools import islice, permutations
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

FEW = 3  # what a bounded repeat is cut down to
MOST = 20_000  # steps: more is no polynomial, or near it
ENDLESS = 10**9
FOREIGN = "\x01"  # ends each text: only where a pattern fails there it tries all that it can
MARGIN = 24  # steps: where it ends a text may be in the midst of something
CHARACTERS = "the one of these characters"  # in place of any op that takes one character
SAMPLES = [*"aA0 \n:/@=\\\"'.-_,;<>{}()[]|#+%é", *"bcdefghijklmnopqrstuvwxyz"]
CATEGORIES = {
    op.CATEGORY_DIGIT: r"\d", op.CATEGORY_NOT_DIGIT: r"\D", op.CATEGORY_SPACE: r"\s",
    op.CATEGORY_NOT_SPACE: r"\S", op.CATEGORY_WORD: r"\w", op.CATEGORY_NOT_WORD: r"\W",
}  # fmt: skip
REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)
ONE = (op.LITERAL, op.NOT_LITERAL, op.ANY, op.IN)
Ops = list[tuple[Any, Any]]


class Steps:
    """A pattern for texts of certain characters; `steps` is what was tried since it was made."""

    def __init__(self, pattern: re.Pattern[str], alphabet: str, *, few: int = FEW) -> None:
        self._flags, self._few, self._alphabet = pattern.flags, few, set(alphabet)
        self._tree = self._prepared(_parser.parse(pattern.pattern, pattern.flags))
        self._lines = bool(pattern.flags & re.M)
        self._words = {each for each in self._alphabet if re.match(r"\w", each)}
        self._text, self._groups = "", dict[int, tuple[int, int]]()
        self.steps = 0

    def spans(self, text: str, *, whole: bool = False) -> list[tuple[int, int]]:
        """Where `finditer` finds the pattern in a text; `whole`: where `match` does."""
        self._text, found, start = text, [], 0
        while start <= len(text):
            self._groups.clear()
            end = next(self._sequence(self._tree, 0, start), None)
            if end is not None:
                found.append((start, end))
            if whole:
                break
            start = start + 1 if end is None or end == start else end
        return found

    def _prepared(self, ops: Any) -> Ops:
        made: Ops = []
        for code, what in ops:
            if code in ONE:
                one = characters(code, what, self._flags)
                made.append((CHARACTERS, {each for each in self._alphabet if one.fullmatch(each)}))
            elif code in REPEATS:
                low, high = min(int(what[0]), self._few), what[1]
                high = ENDLESS if high is op.MAXREPEAT else min(int(high), max(self._few, low))
                made.append((code, (low, high, self._prepared(what[2]))))
            elif code is op.SUBPATTERN:
                made.append((code, (what[0], self._prepared(what[3]))))
            elif code is op.BRANCH:
                made.append((code, [self._prepared(each) for each in what[1]]))
            elif code in (op.ASSERT, op.ASSERT_NOT):
                width = 0 if what[0] > 0 else what[1].getwidth()[0]
                made.append((code, (width, self._prepared(what[1]))))
            else:
                made.append((code, self._prepared(what) if code is op.ATOMIC_GROUP else what))
        return made

    def _sequence(self, ops: Ops, number: int, at: int) -> Iterator[int]:
        while number < len(ops):
            code, what = ops[number]
            number += 1
            if code is not CHARACTERS:
                for end in self._one(code, what, at):
                    yield from self._sequence(ops, number, end)
                return
            self.steps += 1
            if self._text[at : at + 1] not in what:
                return
            at += 1
        yield at

    def _one(self, code: Any, what: Any, at: int) -> Iterator[int]:
        self.steps += 1
        if self.steps > MOST:
            raise OverflowError
        if code is op.BRANCH:
            for ops in what:
                yield from self._sequence(ops, 0, at)
        elif code is op.SUBPATTERN:
            for end in self._sequence(what[1], 0, at):
                if what[0] is not None:
                    self._groups[what[0]] = (at, end)
                yield end
        elif code is op.MAX_REPEAT or code is op.MIN_REPEAT:
            yield from self._repeat(*what, at, code is op.MIN_REPEAT)
        elif code is op.POSSESSIVE_REPEAT:
            yield from islice(self._repeat(*what, at, False), 1)
        elif code is op.ATOMIC_GROUP:
            yield from islice(self._sequence(what, 0, at), 1)
        elif code in (op.ASSERT, op.ASSERT_NOT):
            seen = at >= what[0] and any(True for _ in self._sequence(what[1], 0, at - what[0]))
            if seen is (code is op.ASSERT):
                yield at
        elif code is op.AT:
            if self._is_at(what, at):
                yield at
        elif code is op.GROUPREF:
            start, end = self._groups.get(what, (0, -1))
            if end >= start and self._text.startswith(self._text[start:end], at):
                yield at + end - start
        else:
            raise NotImplementedError(code)

    def _repeat(self, low: int, high: int, ops: Ops, at: int, lazy: bool) -> Iterator[int]:
        if len(ops) > 1 or ops[0][0] is not CHARACTERS:
            yield from self._again(low, high, ops, at, lazy)
            return
        end, last = at, min(len(self._text), at + high)
        while True:
            self.steps += 1
            if lazy and end >= at + low:
                yield end
            if end == last or self._text[end] not in ops[0][1]:
                break
            end += 1
        for one in () if lazy else range(end, at + low - 1, -1):
            self.steps += 1
            yield one

    def _again(self, low: int, high: int, ops: Ops, at: int, lazy: bool) -> Iterator[int]:
        if lazy and low <= 0:
            yield at
        if high > 0:
            for end in self._sequence(ops, 0, at):
                if end > at or low > 0:
                    yield from self._again(low - 1, high - 1, ops, end, lazy)
        if not lazy and low <= 0:
            yield at

    def _is_at(self, what: Any, at: int) -> bool:
        text, lines = self._text, self._lines
        if what in (op.AT_BEGINNING, op.AT_BEGINNING_STRING):
            return at == 0 or (lines and what is op.AT_BEGINNING and text[at - 1] == "\n")
        if what in (op.AT_END, op.AT_END_STRING):
            if what is op.AT_END and text[at : at + 1] == "\n" and (lines or at == len(text) - 1):
                return True
            return at == len(text)
        before, after = (
            one in self._words for one in (text[max(0, at - 1) : at], text[at : at + 1])
        )
        return (before != after) is (what is op.AT_BOUNDARY)


def characters(code: Any, what: Any, flags: int) -> re.Pattern[str]:
    """The pattern of one op that takes one character."""
    if code is op.ANY:
        return re.compile(".", flags & re.S)
    items = [(op.LITERAL, what)] if code is not op.IN else what
    inside = "".join(map(_item, items))
    return re.compile(f"[{'^' * (code is op.NOT_LITERAL)}{inside}]", flags & (re.I | re.A))


def _item(item: tuple[Any, Any]) -> str:
    code, what = item
    if code is op.NEGATE:
        return "^"
    if code is op.CATEGORY:
        return CATEGORIES[what]
    ends = what if code is op.RANGE else (what, what)
    return "-".join(f"\\U{end:08x}" for end in ends)


def has_runs(pattern: re.Pattern[str]) -> bool:
    """Has the pattern a repeat without a bound? One that has none takes no more than a constant."""
    tree = _parser.parse(pattern.pattern, pattern.flags)
    return any(code in REPEATS and what[1] is op.MAXREPEAT for code, what in _nodes(tree))


def _nodes(ops: Any) -> Iterator[tuple[Any, Any]]:
    for code, what in ops:
        yield code, what
        for part in what if isinstance(what, tuple | list) else [what]:
            for inner in part if isinstance(part, list) else [part]:
                if isinstance(inner, _parser.SubPattern):
                    yield from _nodes(inner)
                    yield None, None  # the end of a word


def pieces(pattern: re.Pattern[str]) -> tuple[list[str], list[str]]:
    """Characters that the sets of the pattern hold, and the words that stand in it."""
    sets, words, word = [], [], ""
    for code, what in _nodes(_parser.parse(pattern.pattern, pattern.flags)):
        if code is op.LITERAL:
            word += chr(what)
            continue
        words, word = [*words, word], ""
        if code in ONE:
            one = characters(code, what, pattern.flags)
            sets.append(next(filter(one.fullmatch, SAMPLES), ""))
        if code is op.IN:
            sets += [chr(item[1]) for item in what if item[0] is op.LITERAL][:2]
    return _several(sets, 12), _several([*words, word], 24)


def _several(texts: list[str], most: int) -> list[str]:
    """Each text once, without the empty one; of too many some from all of them."""
    known = list(dict.fromkeys(filter(None, texts)))
    return known[:: -(-len(known) // most) or 1]


def slow(pattern: re.Pattern[str], *, whole: bool = False) -> list[tuple[str, str, int]]:
    """Texts on which the steps grow faster than the text: a start, what is repeated, how much more.

    `whole`: it is tried at the start of a text alone. Where the steps are in proportion to the text
    they grow as much from 8 repetitions to 16 as from 16 to 24.
    """
    sets, words = pieces(pattern)
    program, found = Steps(pattern, "".join([*sets, *words, FOREIGN])), []
    for start, unit in dict.fromkeys(_texts(sets, words)):
        counts = []
        try:
            for times in (8, 16, 24):
                program.steps = 0
                program.spans(start + unit * times + FOREIGN, whole=whole)
                counts.append(program.steps)
            more = counts[2] - 2 * counts[1] + counts[0]
        except (OverflowError, RecursionError):
            more = MOST
        if abs(more) > MARGIN:
            found.append((start, unit, more))
    return found


def _texts(sets: list[str], words: list[str]) -> Iterator[tuple[str, str]]:
    for one in (*sets, *words):
        yield "", one
    for word in words:
        for one in sets[:4]:
            yield word, one
            yield "", word + one
    for one, other in permutations([*sets[:4], *words[:4]], 2):
        yield "", one + other
        yield one, other
