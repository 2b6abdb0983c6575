"""What the lessons promise for "On your own" comes true, done right after the last cell."""

import ast
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


def test_the_start_page_takes_no_eddsa():
    cell = 'key = generate_key("EdDSA")\nauth = lab.auth(key=key)\nkey'
    with pytest.raises(TokenRefused) as caught:
        Run("00_start", key=cell)
    assert caught.value.error == "invalid_dpop_proof"
