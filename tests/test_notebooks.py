"""Lessons have one frame, one rhythm and no secrets; what they store is compared, and can fail.

Nothing here looks at what a lesson teaches. The cells themselves are run and compared by nbval, in
the same test command (conftest.py); the masks both sides wear are in tests/nbval.ini.
"""

import ast
import base64
import getpass
import html
import http
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import uuid
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import nbformat
import pytest
from nbval.plugin import comment_markers, metadata_tags

from dpop_lab import DUENDE, RFC_9449
from tests import links, store
from tests.store import NOTEBOOKS, ROOT, WIDGET_VIEW, masked, masks

LESSONS = sorted(NOTEBOOKS.glob("*.ipynb"))
OPENED = {path.name: nbformat.read(path, as_version=4) for path in LESSONS}
BEFORE = ["What you'll do", "What you'll learn", "What you'll need"]
AFTER = ["On your own", "In practice", "Where it is written"]
DUENDE_HOSTS = {"demo.duendesoftware.com", "docs.duendesoftware.com"}
HOSTS = DUENDE_HOSTS | {"github.com", "mybinder.org", "www.rfc-editor.org"}
each_lesson = pytest.mark.parametrize("name", OPENED)


def cells(name, kind):
    return [cell for cell in OPENED[name].cells if cell.cell_type == kind]


def taught(name):
    """The code cells of a lesson but those of its exercises, which the reader goes on with."""
    return [cell for cell in cells(name, "code") if "exercise" not in cell.metadata.get("tags", [])]


def prose(name):
    """The text of a lesson without its pictures, blocks of code and words in backticks."""
    text = "\n\n".join(cell.source for cell in cells(name, "markdown"))
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def strings(value):
    """Every string in a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings(item)


def shown(name):
    """Every string in what a lesson's cells show."""
    return [text for cell in cells(name, "code") for text in strings(cell.outputs)]


def headings(name, level):
    return re.findall(rf"^{'#' * level} (.+)$", prose(name), re.MULTILINE)


def minutes(name):
    (number,) = re.findall(r"\b(\d+) minutes\b", OPENED[name].cells[0].source)
    return int(number)


# The frame


def test_there_are_lessons_and_the_first_is_the_start_page():
    assert next(iter(OPENED)) == "00_start.ipynb"
    assert all(re.fullmatch(r"\d\d_[a-z_]+\.ipynb", name) for name in OPENED)


@each_lesson
def test_a_lesson_has_the_frame(name):
    (_title,) = re.findall(r"^# (.+)$", prose(name), re.MULTILINE)
    assert OPENED[name].cells[0].source.startswith("# ")
    sections = re.findall(r"^## (.+)$", "\n".join(c.source for c in cells(name, "markdown")), re.M)
    assert (sections[:3], sections[-3:]) == (BEFORE, AFTER)
    assert len(sections) > len(BEFORE + AFTER)
    assert 1 <= minutes(name) <= 60


@each_lesson
def test_a_lesson_names_the_sections_where_it_is_written(name):
    last = re.split(r"^## ", prose(name), flags=re.MULTILINE)[-1]
    assert last.startswith(AFTER[-1])
    assert re.search(r"RFC \d{4}", last)
    assert re.search(r"[Ss]ections? \d", last)


@each_lesson
def test_a_lesson_leads_to_the_one_before_and_the_one_after(name):
    names = [None, *OPENED, None]
    at = names.index(name)
    wanted = {"Previous": names[at - 1], "Next": names[at + 1]}
    found = re.findall(r"\[(\w+): (.+?)\]\(([^)]*)\)", OPENED[name].cells[-1].source)
    assert {word: target for word, _, target in found} == {k: v for k, v in wanted.items() if v}
    for _, title, target in found:
        assert OPENED[target].cells[0].source.splitlines()[0] == f"# {title}"


def test_the_start_page_maps_every_lesson_with_its_minutes():
    start = OPENED["00_start.ipynb"].cells
    rows = re.findall(
        r"^\|.*?\]\((\w+\.ipynb)\).*\|\s*(\d+)\s*\|$",
        "\n".join(cell.source for cell in start),
        re.MULTILINE,
    )
    assert rows == [(name, str(minutes(name))) for name in list(OPENED)[1:]]


@each_lesson
def test_the_head_links_to_this_lesson_on_binder(name):
    assert f"({links.binder(f'notebooks/{name}')})" in OPENED[name].cells[0].source


@each_lesson
def test_a_lesson_found_alone_says_where_it_is_from_and_its_licence(name):
    foot = OPENED[name].cells[-1].source.splitlines()[-1]
    assert f"]({links.page()})" in foot and "Apache-2.0" in foot


@each_lesson
def test_links_go_to_files_that_exist_and_to_hosts_we_know(name):
    text = "\n".join(cell.source for cell in cells(name, "markdown"))
    for target in re.findall(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"", text):
        path = "".join(target).partition("#")[0]
        assert re.match(r"https?:", path) or (NOTEBOOKS / path).is_file(), path
    hosts = set(re.findall(r"https?://([^/\s)>\"'`?#]+)", prose(name)))
    assert hosts <= HOSTS


# The rhythm


def code_lines(source):
    return [line for line in source.splitlines() if line.strip()]


@each_lesson
def test_a_lesson_has_the_rhythm(name):
    code, text = taught(name), cells(name, "markdown")
    lengths = [len(code_lines(cell.source)) for cell in code]
    assert 8 <= len(code) <= 26
    assert len(text) >= 0.6 * len(code)
    assert 1 <= min(lengths) <= statistics.median(lengths) <= 4
    assert max(lengths) <= 12


QUIET = (ast.Import, ast.ImportFrom, ast.Assign, ast.AugAssign, ast.FunctionDef, ast.ClassDef)


@each_lesson
def test_a_cell_shows_something_or_makes_something(name):
    for cell in cells(name, "code"):
        assert cell.outputs or isinstance(ast.parse(cell.source).body[-1], QUIET), cell.id


@each_lesson
def test_no_output_is_taller_than_a_screen_unless_it_can_fold(name):
    for cell in cells(name, "code"):
        for output in cell.outputs:
            data = output.get("data", {"text/plain": output.get("text")})
            assert "text/html" in data or data["text/plain"].count("\n") <= 35, cell.id


@each_lesson
def test_a_proof_and_a_token_request_have_one_name(name):
    trees = [ast.parse(cell.source) for cell in cells(name, "code")]
    defined = {one.name for tree in trees for one in tree.body if isinstance(one, ast.FunctionDef)}
    assert not defined & {"proof", "ask", "call"}


def test_no_longer_cell_is_a_copy():
    sources = (cell.source.strip() for name in OPENED for cell in cells(name, "code"))
    several = [source for source, times in Counter(sources).items() if times > 1]
    assert [source for source in several if len(code_lines(source)) > 3] == []


# What is stored


@each_lesson
def test_a_lesson_is_stored_as_the_store_command_stores_it(name):
    text = (NOTEBOOKS / name).read_text(encoding="utf-8")
    assert text == store.written(OPENED[name])


@each_lesson
def test_every_cell_was_run_and_none_failed(name):
    code = cells(name, "code")
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert {output.output_type for output in outputs} <= {
        "stream",
        "display_data",
        "execute_result",
    }
    for output in outputs:
        kinds = set(output.get("data", {"text/plain": ""}))
        assert "text/plain" in kinds
        assert not kinds & {"application/json", WIDGET_VIEW}
        assert output.get("name") != "stderr"


@each_lesson
def test_nothing_stored_is_fetched_from_another_host(name):
    stored = [*shown(name), *(cell.source for cell in cells(name, "markdown"))]
    assert not re.search(r"!\[[^\]]*\]\(https?:|(?:src|srcset)=[\"']?(?:https?:)?//", str(stored))
    assert not any(cell.get("attachments") for cell in OPENED[name].cells)


@each_lesson
def test_cells_have_readable_names(name):
    ids = [cell.id for cell in OPENED[name].cells]
    assert len(set(ids)) == len(ids)
    assert [one for one in ids if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", one)] == []


@each_lesson
def test_few_cells_are_excused_and_each_says_why(name):
    excused = [
        cell
        for cell in cells(name, "code")
        if set(cell.metadata.get("tags", [])) & {*metadata_tags}
        or "needs" in cell.metadata.get("dpop_lab", {})
    ]
    assert len(excused) <= 2
    for cell in excused:
        assert re.fullmatch(r"[A-Z].{15,}\.", cell.metadata["dpop_lab"]["reason"])
    assert not re.search("|".join(comment_markers), str([c.source for c in cells(name, "code")]))


# British words

AMERICAN = re.compile(
    r"\b(colors?|behaviors?|favor\w*|honor\w*|neighbor\w*|flavor\w*|centers?|gray|defense|offense"
    r"|(?:recogn|organ|real|summar|emphas)iz\w+|analyz\w+|catalogs?|canceled|canceling|labeled"
    r"|labeling|traveled|modeled|signaled|fulfill|skillful|judgment|licensed? (?:is|under|as a)"
    r"|anymore|gotten)\b",
    re.IGNORECASE,
)


@each_lesson
def test_the_prose_is_british(name):
    assert [match[0] for match in AMERICAN.finditer(prose(name))] == []


# Secrets and places


def json_segment(segment):
    """What a segment of a JWS says, {} when it is not a JSON object."""
    try:
        value = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


SECRETS = {
    "a private member of a key": r"\b(?:d|p|q|dp|dq|qi)[\"']?\s*[:=]\s*[\"']?[\w-]{20,}",
    "a private key": r"BEGIN[A-Z ]* PRIVATE KEY|openssh-key-v1",
    "a client secret": r"client_secret[\"']?\s*[:=]\s*[\"']?(?!<client_secret \d)[^\s\"'&]",
    "a client assertion": r"client_assertion[\"']?\s*[:=]\s*[\"']?eyJ",
    "a Basic header": r"\bBasic (?=\w*[A-Z0-9=])[A-Za-z0-9+/]{8,}",
    "a place on a machine": r"(?<!\w)/(?:work|root|home|Users|tmp|private|var|opt|usr|mnt)/"
    r"|site-packages|\b[A-Z]:\\\\?\w|ipykernel_\d",
}


def here():
    """What says where this was run: folders, and names that are not everyday words."""
    folders = [str(folder) for folder in (Path.home(), ROOT, Path(sys.prefix)) if folder.name]
    names = [getpass.getuser(), socket.gethostname()]
    everyday = {"root", "user", "runner", "localhost", "jovyan", "admin"}
    return [*folders, *(name for name in names if len(name) > 3 and name not in everyday)]


def findings(text):
    """What must not be stored, by kind."""
    plain = html.unescape(text).replace("\\u0022", '"').replace('\\"', '"')
    found = [kind for kind, pattern in SECRETS.items() if re.search(pattern, plain)]
    for header in re.findall(r"(eyJ[\w-]+)\.eyJ", plain):
        if str(json_segment(header).get("typ")).lower() in ("at+jwt", "application/at+jwt"):
            found.append("an access token")
    found += ["this machine" for one in here() if re.search(rf"(?<!\w){re.escape(one)}\b", plain)]
    return found


@each_lesson
def test_a_lesson_stores_no_secret_and_no_place(name):
    assert [(text, findings(text)) for text in shown(name) if findings(text)] == []


@each_lesson
def test_a_lesson_is_written_without_keys_and_places(name):
    kinds = {"a private key", "a place on a machine", "this machine"}
    for cell in OPENED[name].cells:
        assert not kinds & set(findings(cell.source)), cell.id
        assert not kinds & set(findings(json.dumps(cell.metadata))), cell.id


VALUE = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"


def segment(**members):
    return base64.urlsafe_b64encode(json.dumps(members).encode()).rstrip(b"=").decode()


PLANTED = [
    (f"{{'kty': 'EC', 'd': '{VALUE}'}}", "a private member of a key"),
    (f"  d: '{VALUE}'\n", "a private member of a key"),
    (f"&quot;qi&quot;: &quot;{VALUE}&quot;", "a private member of a key"),
    (f"\\u0022dp\\u0022:\\u0022{VALUE}\\u0022", "a private member of a key"),
    ("-----BEGIN ENCRYPTED PRIVATE KEY-----", "a private key"),
    ("grant_type=client_credentials&client_secret=secret&scope=api", "a client secret"),
    ("{'client_id': 'm2m.dpop', 'client_secret': 'secret'}", "a client secret"),
    ("client_assertion=eyJhbGciOiJSUzI1NiJ9.e30.c2ln", "a client assertion"),
    ("Authorization: Basic bTJtOnNlY3JldA==", "a Basic header"),
    (f"DPoP {segment(alg='RS256', typ='at+jwt')}.{segment(sub='me')}.{VALUE}", "an access token"),
    ("/home/somebody/keys/ec.pem", "a place on a machine"),
    ("PosixPath('/tmp/tmp1/ec.pem')", "a place on a machine"),
    ("C:\\Users\\somebody", "a place on a machine"),
    ("lib/python3.11/site-packages/requests", "a place on a machine"),
    (f"File {ROOT}/dpop_lab/cli.py", "this machine"),
]


@pytest.mark.parametrize("text, kind", PLANTED)
def test_what_must_not_be_stored_is_found(text, kind):
    assert kind in findings(text)
    assert kind in findings(f"something before {text} something after")


@pytest.mark.parametrize(
    "text",
    [
        f"{{'kty': 'EC', 'x': '{VALUE}', 'y': '{VALUE}'}}",
        "client_id=m2m.dpop&client_secret=<client_secret 1>",
        "https://demo.duendesoftware.com/home/index, https://demo.duendesoftware.com/api/dpop/test",
        f"DPoP: {segment(alg='ES256', typ='dpop+jwt')}.{segment(htm='GET')}.{VALUE}",
        "The members d, p, q, dp, dq and qi stay where they are; Basic authentication, too.",
        "['kty', 'crv', 'x', 'y', 'd']",
    ],
)
def test_what_may_be_stored_is_not_found(text):
    assert findings(text) == []


# The masks


def policies():
    """Every word a server of either policy answers with, and every row it asks."""
    for policy in (DUENDE, RFC_9449):
        answers = [policy.no_proof, policy.no_grant_type]
        for profile in policy.profiles.values():
            answers += profile.answers.values()
            yield from (profile.name, repr(profile), *(row.name for row in profile.rows))
        yield from (text for one in answers for text in (one.error, one.description) if text)
        yield from strings([*policy.metadata("https://demo.duendesoftware.com").items()])
        yield from policy.metadata("https://demo.duendesoftware.com")


CLAIMS = (
    "iss sub aud exp nbf iat jti cnf jkt scope client_id htm htu ath nonce auth_time acr".split()
)
JOSE = (
    "typ alg jwk kid use crit x5t x5c x5t#S256 kty crv x y n e dpop+jwt at+jwt ES256 P-256".split()
)
STATUS_LINES = [f"HTTP/1.1 {status.value} {status.phrase}" for status in http.HTTPStatus]


def ordinary():
    """What has to be compared: names, status lines, answers, and the sentences of the lessons."""
    return {*policies(), *CLAIMS, *JOSE, *STATUS_LINES, *map(prose, OPENED)}


def test_no_mask_hides_a_name_a_status_an_answer_or_a_sentence():
    hidden = [
        (text, match[0])
        for text in ordinary()
        for mask, _ in masks()
        if (match := mask.search(text))
    ]
    assert hidden == []


def mask_uses():
    """What each mask replaces in the stored outputs, after the masks before it."""
    texts = [text for name in OPENED for text in shown(name)]
    for mask, replacement in masks():
        yield mask, [match[0] for text in texts for match in mask.finditer(text)]
        texts = [mask.sub(replacement, text) for text in texts]


def test_each_mask_is_used_and_hides_values_alone():
    for mask, values in mask_uses():
        assert values, mask.pattern
        dates = mask.pattern.endswith("GMT")
        away = mask.pattern.endswith("the server)")
        for value in values:
            if away:
                assert re.fullmatch(r"at |[\d sminhd]+ (before|after|behind|ahead of) ", value)
                continue
            assert dates or re.fullmatch(r"[\w.:-]+", value, re.ASCII), value
            assert dates or re.search(r"\d|[a-z][A-Z]", value), value


VALUES = {
    "<jws>": ".".join(
        [segment(typ="dpop+jwt", alg="ES256", jwk={}), segment(htm="GET", iat=1_800_000_000), VALUE]
    ),
    "<base64url of 32 octets>": VALUE,
    "<base64url of 16 octets>": VALUE[:22],
    "<base64url>": VALUE + VALUE,
    "<uuid>": str(uuid.UUID(int=2**127 + 7)),
    "<id>": "0D4FB0E6043186072FC31972B4BE7B8E",
    "<time>": "1795492236",
    "<date>": "Tue, 24 Nov 2026 03:50:48 GMT",
    "127.0.0.1:<port>": "127.0.0.1:38499",
    "localhost:<port>": "localhost:8080",
}
NEIGHBOURS = [
    ("", ""),
    ('"jti": "', '", "htm": "GET"'),
    ("{'iat': ", "}"),
    ("(<b>", "</b>)"),
    ("&quot;", "&quot;, &#x27;next&#x27;"),
    ("{\\u0022jkt\\u0022:\\u0022", "\\u0022}"),
    ("'first\\n", "\\nsecond'"),
    ("http://", "/api/dpop/test"),
    ("one ", ", two."),
]


@pytest.mark.parametrize("before, after", NEIGHBOURS)
@pytest.mark.parametrize("mask", VALUES)
def test_a_mask_leaves_the_neighbours(mask, before, after):
    assert masked(before + VALUES[mask] + after) == before + mask + after


@pytest.mark.parametrize(
    "text",
    [
        "-" * 60,
        "token_endpoint_auth_signing_alg_values_supported",
        VALUE[:42],
        "iat 1562262616 is the RFC's own",
        "expires_in 3600",
        "400 401 200 405",
        "https://demo.duendesoftware.com/connect/token",
        "eyJhbGci… (813 characters)",
        "good for 75 s before it ends",
        "what stands at the end",
    ],
)
def test_what_is_the_same_each_time_is_not_masked(text):
    assert masked(text) == text


@pytest.mark.parametrize("away", ["at", "1 s before", "312 s behind", "1 h 5 min ahead of"])
def test_the_mask_for_how_far_two_times_are_apart_takes_every_form(away):
    assert masked(f"iat is {away} the server's Date.") == (
        "iat is <so long before or after>the server's Date."
    )


# The comparison can fail


def outcomes(folder, *names, options=()):
    """What the project's own test command makes of notebooks: the message of each failed cell."""
    report = folder / "report.xml"
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "-n", "0"]
    command += ["--rootdir", str(folder), "-p", "no:cacheprovider", "--color=no", "-p", "conftest"]
    done = subprocess.run(
        [*command, f"--junitxml={report}", *options, *names],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    cases = ET.parse(report).getroot().iter("testcase")
    return done, {
        (case.get("classname"), case.get("name")): "".join(case.itertext()) for case in cases
    }


def test_a_changed_output_fails_its_cell_and_nothing_else(tmp_path):
    notebook = nbformat.read(NOTEBOOKS / "00_start.ipynb", as_version=4)
    nbformat.write(notebook, tmp_path / "same.ipynb")
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    number = next(n for n, cell in enumerate(code) if "text/plain" in str(cell.outputs))
    code[number].outputs[0].data["text/plain"] += " and a change"
    nbformat.write(notebook, tmp_path / "changed.ipynb")
    done, cases = outcomes(tmp_path, "same.ipynb", "changed.ipynb")
    assert done.returncode == 1, done.stdout + done.stderr
    assert len(cases) == 2 * len(code)
    failed = {case: message for case, message in cases.items() if message}
    assert [case[1] for case in failed] == [f"Cell {number}"]
    assert all("and a change" in message for message in failed.values())
    assert f"changed.ipynb::Cell {number}" in done.stdout


def test_behind_a_cell_that_hangs_nothing_passes(tmp_path):
    source = "import time\ntry:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    pass"
    cells = [nbformat.v4.new_code_cell(text, execution_count=1) for text in (source, "1 + 1")]
    cells[1].outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "3"})]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "hangs.ipynb")
    done, cases = outcomes(tmp_path, "hangs.ipynb", options=["--nbval-cell-timeout=1"])
    assert done.returncode == 1, done.stdout
    assert [case[1] for case, message in cases.items() if message] == ["Cell 1"], cases


def test_a_lesson_that_loads_what_only_signing_in_needs_fails(tmp_path):
    source = "from dpop_lab import SIGN_IN_CHANGES"
    cells = [nbformat.v4.new_code_cell(text, execution_count=1) for text in (source, "1")]
    cells[1].outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "1"})]
    for name in ("00_lesson.ipynb", "20_lesson.ipynb"):
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / name)
    done, cases = outcomes(tmp_path, "00_lesson.ipynb", "20_lesson.ipynb")
    assert done.returncode == 1, done.stdout + done.stderr
    [message] = filter(None, cases.values())
    assert "this lesson loads" in message and "dpop_lab.lab.sign_in.catalogue" in message


# Storing


def scratch(folder, *sources):
    """A notebook with these code cells, never run."""
    cells = [nbformat.v4.new_code_cell(text, id=f"cell-{n}") for n, text in enumerate(sources)]
    path = folder / "scratch.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_storing_drops_what_changes_and_storing_again_changes_nothing(tmp_path):
    path = scratch(
        tmp_path,
        "import uuid, time\nprint(uuid.uuid4())\nprint(int(time.time()))",
        "import ipywidgets\nipywidgets.IntText(7, description='port')",
        "import os\n[os.environ.get(name) for name in ('DPOP_LAB_LIVE', 'HTTPS_PROXY')]",
    )
    assert store.store(path)
    first = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(first, as_version=4)
    assert [cell.execution_count for cell in notebook.cells] == [1, 2, 3]
    assert [len(cell.outputs) for cell in notebook.cells] == [1, 1, 1]
    assert list(notebook.cells[1].outputs[0].data) == ["text/plain"]
    assert notebook.cells[2].outputs[0].data["text/plain"] == "[None, None]"
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert not store.store(path)
    assert path.read_text(encoding="utf-8") == first


def test_a_failing_cell_is_named_and_its_notebook_left_alone(tmp_path):
    path = scratch(tmp_path, "print('fine')", "{}['gone']")
    before = path.read_bytes()
    with pytest.raises(store.CellFailed, match="cell-1"):
        store.store(path)
    assert path.read_bytes() == before
