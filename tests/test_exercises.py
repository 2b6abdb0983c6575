"""What the lessons promise for "On your own" comes true, done right after the last cell."""

import ast
import functools
import re
from pathlib import Path

import nbformat
import pytest

from dpop_lab import TokenRefused

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
ELSEWHERE = {"panel", "catalogue-panel", "curl"}  # cells that need a kernel, or a program


class Run:
    """A lesson run to its end in this process, to which a learner adds cells."""

    def __init__(self, name, **changes):
        self.names = {"display": print}  # a notebook has one
        notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
        self.cells = {cell.id: cell.source for cell in notebook.cells}
        for cell in notebook.cells:
            if cell.cell_type == "code" and cell.id not in ELSEWHERE:
                self(changes.get(cell.id, cell.source))

    def __call__(self, source):
        """Run a cell; gives the value of its last line when that is an expression."""
        tree = ast.parse(source)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "<cell>", "exec"), self.names)
        return last and eval(compile(ast.Expression(last.value), "<cell>", "eval"), self.names)

    def answers(self):
        """The code that is given as an answer, a cell each."""
        text = self.cells["on-your-own"].replace("\n   ", "\n")
        return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


@pytest.fixture(scope="module")
def lesson():
    """Lessons by name, each run once."""
    return functools.cache(Run)


def test_the_start_page_takes_no_eddsa():
    cell = 'key = generate_key("EdDSA")\nauth = lab.auth(key=key)\nkey'
    with pytest.raises(TokenRefused) as caught:
        Run("00_start", key=cell)
    assert caught.value.error == "invalid_dpop_proof"


def test_the_token_endpoint_says_what_lesson_4_promises(lesson):
    run = lesson("04_token")
    run('twice = lab.proof(key, "POST", lab.token_endpoint)')
    assert run('lab.ask("m2m.dpop", proof=twice).status_code') == 200
    assert run('lab.ask("m2m.dpop", proof=twice).json()')["error"] == "invalid_dpop_proof"
    assert run("lab.log[-1].reports[-1].failure.check.name") == "unused"
    openid = 'lab.ask("m2m.dpop", key=key, scope="openid").json()["error"]'
    assert run(openid) == "invalid_scope"
    broken = 'lab.ask("m2m.dpop", proof="broken", client_secret="x").json()["error"]'
    assert run(broken) == "invalid_client"
    assert run(run.cells["jwt"]) == (400, None)


def test_the_api_says_what_lesson_5_promises(lesson):
    run = lesson("05_protected_call")
    delete = """
shown = lab.proof(key, "{}", lab.api, access_token=token)
headers = {{"Authorization": f"DPoP {{token}}", "DPoP": shown}}
lab.session.delete(lab.api, headers=headers).status_code
"""
    assert [run(delete.format(method)) for method in ("GET", "DELETE")] == [401, 200]
    query = delete.format("DELETE").replace("delete(lab.api", 'delete(lab.api + "?page=2"')
    assert run(query) == 200
    run("before = len(lab.log)\nlab.clock.advance(3600)\nlab.session.get(lab.api, auth=auth)")
    done = run("[(one.method, one.status) for one in list(lab.log)[before:]]")
    assert done == [("POST", 200), ("GET", 200)]


def test_the_bench_finds_what_lesson_6_promises(lesson):
    run = lesson("06_tamper")
    by_one_row, without_host = run.answers()
    assert run(by_one_row) == run("found") == ["at_typ_jwt", "at_typ_missing", "at_typ_in_full"]
    assert run(without_host) == ("htu", "htu")
    assert run('lab.send(signed_by="thief", to="token endpoint").caught') == "accepted"


def test_the_servers_say_what_lesson_7_promises(lesson):
    run = lesson("07_nonce_and_replay")
    ahead, without_iat = run.answers()
    assert [answer.status_code for answer in run(ahead)] == [200, 200, 200]
    refused = run(ahead.replace("lab", "guarded"))
    assert [answer.status_code for answer in refused] == [401, 401, 401]
    assert run("guarded.log[-1].reports[-1].failure.check.name") == "nonce"
    said = run(without_iat)
    assert (said["error"], said["error_description"]) == (
        "invalid_dpop_proof",
        "Missing 'iat' value.",
    )
