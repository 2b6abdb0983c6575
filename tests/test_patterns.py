"""Each regular expression of the package takes steps in proportion to its text, however hostile."""

import ast
import importlib
import inspect
import pkgutil
import re
from collections import defaultdict
from functools import cache
from types import ModuleType
from typing import Any

import pytest
from regex_steps import ENDLESS, Steps, has_runs, pieces, slow

import dpop_lab

WHOLE = {"match", "fullmatch"}  # these try a pattern at one place only
USES = {*WHOLE, "search", "sub", "subn", "split", "findall", "finditer"}
REPLACING = {"sub", "subn"}


def modules() -> list[ModuleType]:
    """Every module of the package but the one that runs it."""
    names = [one.name for one in pkgutil.walk_packages(dpop_lab.__path__, "dpop_lab.")]
    return [importlib.import_module(one) for one in names if not one.endswith("__main__")]


def compiled(value: Any) -> list[re.Pattern[str]]:
    """The patterns in a value of a module."""
    if isinstance(value, re.Pattern):
        return [value] if isinstance(value.pattern, str) else []
    if isinstance(value, tuple | list):
        return [one for each in value for one in compiled(each)]
    return compiled(tuple(value.values())) if isinstance(value, dict) else []


def used(module: ModuleType) -> list[tuple[re.Pattern[str], str]]:
    """The patterns of a module, and how it uses each; `search` where that is not seen."""
    found = []
    known = vars(module)
    if "re" not in known and not any(map(compiled, known.values())):
        return []
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner, use = node.func.value, node.func.attr
        if use not in USES or not isinstance(owner, ast.Name):
            continue
        if owner.id == "re":
            given = {one.arg: one.value for one in node.keywords}
            pattern, *more = node.args
            assert not (isinstance(pattern, ast.Name) and pattern.id not in known), node.lineno
            flags = [given["flags"]] if "flags" in given else more[use in REPLACING :][1:2]
            values = [value_of(one, known) for one in (pattern, *flags)]
            found.append((re.compile(*values), use))
        elif isinstance(known.get(owner.id), re.Pattern):
            found.append((known[owner.id], use))
    return [(pattern, use) for pattern, use in found if isinstance(pattern.pattern, str)]


def value_of(node: ast.expr, known: dict[str, Any]) -> Any:
    """What an expression of module constants is; a name of a function's own stands for a word."""
    names = {one.id: "w" for one in ast.walk(node) if isinstance(one, ast.Name)}
    return eval(compile(ast.Expression(node), "pattern", "eval"), names | known)


@cache
def patterns() -> dict[re.Pattern[str], set[str]]:
    """Each pattern of the package and its uses."""
    uses: dict[re.Pattern[str], set[str]] = defaultdict(set)
    for module in modules():
        for pattern, use in used(module):
            uses[pattern].add(use)
    for module in modules():
        for value in vars(module).values():
            for pattern in compiled(value):
                uses[pattern] = uses[pattern] or {"search"}
    return uses


def repeating() -> list[re.Pattern[str]]:
    """Those with a repeat: no other takes more steps the longer its text is."""
    return sorted(filter(has_runs, patterns()), key=lambda one: one.pattern)


def test_the_steps_of_each_pattern_grow_with_the_text_alone() -> None:
    known = patterns()
    found = {one.pattern: slow(one, whole=known[one] <= WHOLE) for one in repeating()}
    assert {pattern: texts for pattern, texts in found.items() if texts} == {}


def test_what_counts_the_steps_finds_what_re_finds() -> None:
    for pattern in repeating():
        known = [each for some in pieces(pattern) for each in some]
        steps = Steps(pattern, "".join(known), few=ENDLESS)
        for text in map("".join, [known, known[::-1], known[::2], known[1::2]]):
            steps.steps = 0
            spans = [one.span() for one in pattern.finditer(text * 2)]
            assert steps.spans(text * 2) == spans, pattern


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?<=//)(?![^/@\s]*:\d{1,5}/)[^\s'\"<>@]*:[^\s'\"<>]*(?=@)",
        r"^[^/\s]*:[^\s]*@",
        r"\s*\n\s*",
        r"\w+x",
        r"(?:a|\bstatus\s*[:=]?\s*\d)",
        r"(?:a|ab|b)*c",
        r"(a+)+$",
        r"\$\(.*\)",
        r"ey[\w.]++(?=!)",
    ],
)
def test_a_pattern_that_takes_more_is_found_out(pattern: str) -> None:
    assert slow(re.compile(pattern))


def test_every_pattern_of_the_package_is_collected() -> None:
    from dpop_lab.doctor.paste import jwts, scan
    from dpop_lab.wire import secrets, syntax

    known = patterns()
    assert {secrets.LOOSE, syntax.IN_A_CHALLENGE, *jwts.PIECES, scan.PIECE} <= set(known)
    assert known[syntax.NONCE] == {"fullmatch"}
    assert re.compile(r"^[^/\s:]*+:\S*@") in known
    assert len(repeating()) > 80
