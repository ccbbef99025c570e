"""The notebook of docs/ runs from top to bottom, and shows what is stored in it."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from matplotlib.figure import Figure

from vaegan_bench.report.plots.canvas import Canvas
from vaegan_bench.report.plots.style import blank

DOCS = Path(__file__).parents[2] / "docs"
NOTEBOOK = DOCS / "first-study.ipynb"
MOST_BYTES = 600_000


def cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def kinds(cell: dict[str, Any]) -> list[set[str]]:
    """What each output of a cell is."""
    return [set(output.get("data", {"stream": ""})) for output in cell["outputs"]]


LESS = {r"\"steps\": 200": r"\"steps\": 20", "faces=1500": "faces=400", "images=3000": "images=640"}
"""What the test runs with less of, as the notebook's file has it."""


def shortened(folder: Path) -> Path:
    """The notebook with fewer steps and faces, which change its numbers but not what is shown."""
    text, notebook = NOTEBOOK.read_text("utf-8"), folder / "short.ipynb"
    for usual, less in LESS.items():
        assert usual in text
        text = text.replace(usual, less)
    notebook.write_text(text, "utf-8")
    return notebook


@pytest.fixture
def runner() -> ModuleType:
    spec = importlib.util.spec_from_file_location("run_notebook", DOCS / "run_notebook.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.usefixtures("tables_alone")
def test_every_cell_runs_and_shows_what_is_stored(
    runner: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    stored, again = json.loads(NOTEBOOK.read_text("utf-8")), runner.run_cells(shortened(tmp_path))
    assert [kinds(cell) for cell in cells(again)] == [kinds(cell) for cell in cells(stored)]
    shown = [kind for cell in cells(stored) for output in kinds(cell) for kind in output]
    assert shown.count("image/png") == 4
    assert shown.count("text/html") == 5
    assert "psnr ↑ (dB)" in "".join(cells(again)[1]["outputs"][0]["data"]["text/html"])


def test_its_outputs_are_small() -> None:
    assert NOTEBOOK.stat().st_size < MOST_BYTES


@pytest.mark.parametrize("figure", [blank(1, 1), Canvas(80, 60).figure], ids=["panels", "images"])
def test_figures_show_themselves_in_notebooks(figure: Figure) -> None:
    assert figure._repr_png_().startswith(b"\x89PNG")  # type: ignore[attr-defined]
