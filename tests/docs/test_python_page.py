"""The page about Python does what it says, and lists the columns that there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from documents import blocks, column, text

import vaegan_bench as vb
from vaegan_bench.training.trained_model import TrainedModel

PAGE = "python.md"


def test_the_page_runs_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    names: dict[str, Any] = {}
    for block in blocks(PAGE):
        exec(block.text, names)
    results, model, x = names["results"], names["model"], names["x"]
    listed = text(PAGE).partition("| column | content |")[2].partition("```")[0]
    columns = [name.strip("` ") for cell in column(f"| column | content |{listed}", 0) for name in cell.split(",")]
    assert sorted(columns) == sorted(results.rows.columns)
    assert tuple(names["samples"].shape) == (16, 3, 32, 32)
    assert model.reconstruct(x).shape == x.shape
    assert x.min() < 0
    assert (tmp_path / "results" / "smoke" / "report.html").is_file()
    assert vb.load("results/smoke").table().equals(results.table())


def test_the_page_lists_what_a_trained_model_can_do() -> None:
    called = {cell.strip("`").partition("(")[0].removeprefix("model.") for cell in column(text(PAGE), 0)}
    listed = {name for name in called if hasattr(TrainedModel, name)}
    assert listed >= {"sample", "codes", "decode", "images", "encode", "reconstruct", "log_likelihood", "tokens", "to"}
