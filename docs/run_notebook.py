"""Run the cells of docs/first-study.ipynb and store what they show: `python docs/run_notebook.py`.

Cells are plain Python, so that no Jupyter is needed here: each is executed in one namespace, and the value of its last
line is stored as a notebook would show it. A test runs the cells and compares the kinds of outputs with those stored.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import io
import json
import os
import tempfile
from pathlib import Path
from typing import Any

NOTEBOOK = Path(__file__).parent / "first-study.ipynb"
SHOWN = {"text/html": "_repr_html_", "image/png": "_repr_png_"}
"""Kind of output → the method that a notebook asks for it."""


def run_cells(path: Path) -> dict[str, Any]:
    """The notebook with the outputs of its cells, run from top to bottom in the folder of this process."""
    notebook: dict[str, Any] = json.loads(path.read_text("utf-8"))
    names: dict[str, Any] = {"__name__": "__main__"}
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(code, start=1):
        cell["execution_count"], cell["outputs"] = number, _outputs("".join(cell["source"]), names, number)
    return notebook


def _outputs(source: str, names: dict[str, Any], number: int) -> list[dict[str, Any]]:
    """What a cell prints, and what its last line is where that is an expression."""
    tree, value = ast.parse(source), None
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, f"cell {number}", "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), names)
    text = printed.getvalue()
    stream = [{"name": "stdout", "output_type": "stream", "text": text.splitlines(keepends=True)}] if text else []
    return [*stream, *([] if value is None else [_shown(value, number)])]


def _shown(value: Any, number: int) -> dict[str, Any]:
    data: dict[str, Any] = {"text/plain": repr(value).splitlines(keepends=True)}
    for kind, method in SHOWN.items():
        if (found := getattr(value, method, lambda: None)()) is not None:
            data[kind] = base64.b64encode(found).decode() if isinstance(found, bytes) else found.splitlines(True)
    return {"data": data, "execution_count": number, "metadata": {}, "output_type": "execute_result"}


def main() -> None:
    """Run the notebook in an empty folder, and write it with its outputs."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        os.environ["XDG_CACHE_HOME"] = os.path.join(folder, "cache")
        notebook = run_cells(NOTEBOOK)
    NOTEBOOK.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
