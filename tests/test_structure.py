"""The rooms of the package: who imports whom, where third parties live, what modules say."""

import ast
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import dpop_lab
from tests.measure import long_functions, long_modules

PACKAGE = Path(dpop_lab.__file__).parent
MODULES = {
    path.relative_to(PACKAGE.parent).with_suffix("").as_posix().replace("/", "."): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
TEXTS = {name: path.read_text("utf-8") for name, path in MODULES.items()}
ROOMS = (  # each may import from those before it
    "errors show jose checking wire proof server client session lab doctor pytest_twin"
    " panels exercises cli __init__ __main__".split()
)
APART = {("client", "server"), ("__init__", "cli")}  # but not these
THIRD_PARTY = {  # who may import it: a module, or a room with all that is in it
    "jwcrypto": ("jose.keys", "jose.jwk"),
    "cryptography": ("jose", "server.common", "server.access_token"),
    "requests": ("client", "session", "lab", "doctor", "panels", "exercises", "cli"),
    "urllib3": ("client", "lab.live", "lab.crafting"),
    "ipywidgets": ("panels", "exercises.panel"),
    "platformdirs": ("exercises.progress",),
    "tornado": ("server.sockets", "server.message"),
    "pytest": ("pytest_twin",),
    "jupyterlab": ("cli.jupyter",),
    "jupyter_client": ("cli.ready",),
    "packaging": ("cli.ready",),
    "zmq": ("cli.jupyter",),
}
LONG = {  # modules and functions that may be, and why
    "checking.py": "a check, its finding, report and profile are one idea, and nothing of DPoP",
    "proof/rules.py": "one row after the other, as RFC 9449 section 4.3 has them",
    "session/call.py": "an exchange as it is read, and the reading: one more file for each call",
    "client/auth.py: client_credentials": "fifteen parameters, each with its meaning",
}
WITHOUT_DPOP = ("jose", "checking", "show")  # what knows nothing of it


def inside(module):
    """A module's name within the package."""
    name = module.removeprefix("dpop_lab").removeprefix(".").removesuffix(".__init__")
    return name or "__init__"


def room(module):
    """The room a module is in."""
    return inside(module).partition(".")[0]


def top(module):
    """The package a module is in."""
    return module.partition(".")[0]


def is_in(module, places):
    """Whether a module is one of these, or in a room that is."""
    return any(f"{inside(module)}.".startswith(f"{place}.") for place in places)


def imported(tree):
    """Every module that a syntax tree imports, wherever in it; typing-only ones too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            modules = [name for name in names if name in MODULES]
            if node.module == "dpop_lab":
                yield from (name for name in names if name != "dpop_lab.__version__")
            else:
                yield from modules or [node.module]


@cache
def trees():
    """The syntax tree of each module, parsed where a test asks for it."""
    return {name: ast.parse(text) for name, text in TEXTS.items()}


@cache
def imports():
    """What each module imports."""
    return {name: set(imported(tree)) for name, tree in trees().items()}


def nodes(kind):
    """Every node of this kind in the package, behind the name of its module."""
    for module, tree in trees().items():
        yield from ((module, node) for node in ast.walk(tree) if isinstance(node, kind))


def test_imports_point_up_the_list_of_rooms():
    assert {room(module) for module in MODULES} == set(ROOMS)
    taken = [(module, other) for module in MODULES for other in imports()[module]]
    ours = [(module, other) for module, other in taken if top(other) == "dpop_lab"]
    assert len(ours) > len(MODULES)
    assert not [
        f"{module} takes {other}"
        for module, other in ours
        if ROOMS.index(room(other)) > ROOMS.index(room(module))
        or (room(module), room(other)) in APART
    ]


def drawn():
    """The arrows in the picture of CONTRIBUTING.md."""
    text = (PACKAGE.parent / "CONTRIBUTING.md").read_text("utf-8")
    return set(re.findall(r"^ +(\w+) --> (\w+)$", text, re.MULTILINE))


def reached(room_of, arrows):
    """The rooms that are reached from one by arrows."""
    following = {one for start, one in arrows if start == room_of}
    return following.union(*(reached(one, arrows) for one in following))


def test_the_picture_of_the_rooms_is_that_of_the_imports():
    takes = {
        (room(module), room(other))
        for module in MODULES
        for other in imports()[module]
        if top(other) == "dpop_lab" and "__" not in room(module)
    }
    takes = {(own, other) for own, other in takes if own != other}
    needed = {pair for pair in takes if pair[1] not in reached(pair[0], takes - {pair})}
    assert drawn() == needed


def test_third_party_code_stays_in_its_rooms():
    own = {*sys.stdlib_module_names, "dpop_lab"}
    taken = {(module, top(other)) for module in MODULES for other in imports()[module]}
    assert not [
        f"{module} takes {other}"
        for module, other in sorted(taken)
        if other not in own and not is_in(module, THIRD_PARTY.get(other, ()))
    ]
    assert set(THIRD_PARTY) == {other for _, other in taken} - own


def test_no_import_goes_in_a_circle():
    known = {inside(name): name for name in MODULES}
    done = []

    def visit(module, path):
        assert module not in path, " -> ".join([*path, module])
        if module in done:
            return
        for other in sorted(imports()[module]):
            if other.startswith("dpop_lab") and inside(other) in known:
                visit(known[inside(other)], [*path, module])
        done.append(module)

    for module in MODULES:
        visit(module, [])


def test_what_dpop_stands_on_does_not_speak_of_it():
    silent = [name for name in MODULES if is_in(name, WITHOUT_DPOP)]
    assert len(silent) > len(WITHOUT_DPOP)
    for module in silent:
        text = TEXTS[module].replace("dpop_lab", "")
        if inside(module) == "jose":  # the room's own sentence says what it is for
            text = text.replace("What DPoP stands on", "")
        assert not re.findall("dpop", text, re.IGNORECASE), module


def loaded_by(statement):
    """The modules that are there after a statement in a fresh interpreter."""
    code = f"import json, sys; {statement}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_the_package_loads_neither_widgets_nor_a_web_server():
    for module in ("dpop_lab", "dpop_lab.doctor.diagnosis"):
        loaded = loaded_by(f"import {module}")
        assert not loaded & {"ipywidgets", "IPython", "tornado", "asyncio"}


def test_a_lab_in_process_needs_no_web_server_either():
    statement = "import dpop_lab; lab = dpop_lab.Lab(); lab.auth(); lab.close()"
    assert not loaded_by(statement) & {"ipywidgets", "IPython", "tornado"}


def test_the_map_of_the_exercises_loads_no_catalogue():
    loaded = loaded_by("import dpop_lab; print(dpop_lab.progress())")
    assert "dpop_lab.exercises.lesson_05" in loaded
    assert not {name for name in loaded if name.startswith("dpop_lab.lab.catalogue")}


def test_every_module_opens_with_one_sentence():
    for module, tree in trees().items():
        first = (ast.get_docstring(tree) or "").split("\n\n")[0]
        assert first.endswith((".", "?")), module
        assert len(first.splitlines()) <= 2, module
        assert not re.search(r"[.?] [A-Z]", first.replace("e.g.", "")), module


def public(tree):
    """Every public function, class and method of a module, by its dotted name."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.name, node
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef) and not inner.name.startswith("_"):
                    yield f"{node.name}.{inner.name}", inner
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node.name, node


def is_overload(node):
    """Whether a function only declares one of its signatures."""
    return any(ast.unparse(one).endswith("overload") for one in getattr(node, "decorator_list", []))


def overrides(module, name):
    """Whether a method has its meaning, and so its docstring, from a class it inherits from."""
    holder, _, method = name.partition(".")
    if not method:
        return False
    cls = getattr(__import__(module, fromlist=["x"]), holder)
    return any(method in vars(base) for base in cls.__mro__[1:])


def test_everything_public_says_what_it_means():
    assert not [
        f"{module}.{name}"
        for module, tree in trees().items()
        for name, node in public(tree)
        if not ast.get_docstring(node) and not is_overload(node) and not overrides(module, name)
    ]


def test_modules_and_functions_are_short_but_for_those_with_a_reason():
    assert {line.rpartition(",")[0] for line in (*long_modules(), *long_functions())} == {*LONG}


def test_every_folder_of_the_package_is_a_package():
    folders = {path.parent for path in MODULES.values()}
    assert all((folder / "__init__.py").exists() for folder in folders)
    assert (PACKAGE / "py.typed").exists()


def test_nothing_is_asserted_at_run_time_but_with_a_reason():
    for module, node in nodes(ast.Assert):
        line = TEXTS[module].splitlines()[node.lineno - 1]
        assert re.search(r"# noqa: S101  \w", line), f"{module}: {line}"


def test_errors_are_caught_by_name():
    handlers = list(nodes(ast.ExceptHandler))
    assert handlers
    assert not [f"{module}:{node.lineno}" for module, node in handlers if node.type is None]


CLOCKS = {"time.time", "time.monotonic", "datetime.now", "datetime.utcnow", "time.sleep"}
CHANCE = {"secrets", "random", "uuid"}


def reading_the_time(*rooms):
    """The modules in these rooms that call what reads the time."""
    return {
        inside(module)
        for module, node in nodes(ast.Call)
        if room(module) in rooms and ast.unparse(node.func) in CLOCKS
    }


def test_nothing_at_the_bottom_reads_the_clock_or_draws_at_random():
    bottom = [name for name in MODULES if room(name) in ("jose", "proof")]
    assert bottom
    assert not reading_the_time("jose", "proof")
    assert not [name for name in bottom if imports()[name] & CHANCE or "os.environ" in TEXTS[name]]


def test_at_the_servers_only_the_clock_reads_the_time():
    assert reading_the_time("server") == {"server.common"}


def test_public_names_are_few_and_there():
    names = set(dpop_lab.__all__)
    promised = set(
        "generate_key load_key public_jwk thumbprint make_proof read_proof check_proof "
        "access_token_hash private_key_jwt DUENDE RFC_9449 "
        "AuthorizationServer ResourceServer serve DPoPAuth "
        "TokenRefused SessionLog record Story Lab CHANGES LEFT_OUT compare diagnose LabError "
        "KeyUnusable SettingsError decode_jwt time_windows exercise progress "
        "SIGN_IN_CHANGES BrowserSignIn".split()
    )
    assert names == promised
    assert all(hasattr(dpop_lab, name) for name in names)
    assert callable(dpop_lab.serve)
    with pytest.raises(AttributeError):
        dpop_lab.no_such_name  # noqa: B018


# ---- these tests ------------------------------------------------------------------------------

TESTS = sorted(Path(__file__).parent.rglob("*.py"))


def test_tests_use_no_mocks_and_no_frozen_time():
    never = {"unittest", "mock", "freezegun", "time_machine", "responses", "requests_mock"}
    assert Path(__file__) in TESTS
    for path in TESTS:
        taken = {top(name) for name in imported(ast.parse(path.read_text("utf-8")))}
        assert not taken & never, path.name


def test_the_builder_of_test_proofs_shares_no_code_with_the_package():
    tree = ast.parse((Path(__file__).parent / "builder.py").read_text("utf-8"))
    assert not [name for name in imported(tree) if name.startswith(("dpop_lab", "jwcrypto"))]
