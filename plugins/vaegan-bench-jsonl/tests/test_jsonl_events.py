"""What is in events.jsonl after a study, and what a plugin that fails costs."""

from __future__ import annotations

import json
import math
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from vaegan_bench_jsonl.journal import append

from vaegan_bench.execution.execution import Execution
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.plan import make_plan
from vaegan_bench.study.study import Study

BLOBS = """
from vaegan_bench.api import hookimpl
from vaegan_bench.testing import Blobs

@hookimpl
def vaegan_bench_plugins():
    return [Blobs]
"""
LEVEL = """
from dataclasses import dataclass
from vaegan_bench.api import Measurement, Metric, hookimpl

@dataclass(frozen=True, kw_only=True)
class Level(Metric):
    "Three values, of which two are no numbers."
    name = "level"
    family = "sample quality"

    def __call__(self, outputs):
        values = {"level": 0.5, "lost": float("nan"), "endless": float("inf")}
        return [Measurement(name, value, "none", "") for name, value in values.items()]

@hookimpl
def vaegan_bench_plugins():
    return [Level]
"""
FAILING = """
from vaegan_bench.api import hookimpl

@hookimpl
def terms_logged(run, step):
    raise RuntimeError("no connection")
"""


def executed(folder: Path, *more: str, **values: Any) -> Execution:
    """A study of a VAE on the blobs, 60 steps; `more` are the texts of further plugin files."""
    folder.mkdir(exist_ok=True)
    files = [folder / f"plugin_{i}.py" for i in range(len(more) + 1)]
    for file, text in zip(files, (BLOBS, *more), strict=True):
        file.write_text(text)
    registry = Registry([*map(str, files), "vaegan_bench_jsonl"])
    plain = {
        "name": "small", "datasets": ["blobs"], "models": ["vae"],
        "networks": "compact[latent=4,width=4,decoder_width=4]", "size": 32, "seeds": 1, "steps": 60, "batch": 8,
        "metrics": [], "samples": 8, "device": "cpu",
    }  # fmt: skip
    plan = make_plan(Study().with_values({**plain, **values}, "the test"), registry)
    execution = Execution(plan, registry, StudyFolder(folder / "small"), folder / "cache")
    execution.run()
    return execution


def refuse(word: str) -> None:
    raise AssertionError(f"{word} is not JSON")


def events(folder: Path) -> list[dict[str, Any]]:
    """Every line, read strictly."""
    lines = (folder / "small" / "events.jsonl").read_text().splitlines()
    return [json.loads(line, parse_constant=refuse) for line in lines]


def test_a_study_is_told_in_the_documented_order(tmp_path: Path) -> None:
    execution = executed(tmp_path, seeds=2)
    told = events(tmp_path)
    run = ["run_started", "terms_logged", "terms_logged", "run_evaluated", "run_ended"]
    assert [event["event"] for event in told] == ["study_started", *run, *run, "study_ended"]
    first, second = (planned.id for planned in execution.plan.runs)
    assert [event["run"] for event in told[1:-1]] == [first] * 5 + [second] * 5
    assert told[0]["runs"] == [first, second]
    assert told[0]["images"] == [480, 480]
    assert (told[1]["label"], told[1]["steps"], told[1]["done"], told[1]["batch"]) == ("vae", 60, 0, 8)
    assert [event["step"] for event in told[2:4]] == [50, 60]
    history = pd.read_csv(execution.folder.run(first).path / "history.csv", index_col="step")
    assert [event["terms"] for event in told[2:4]] == history.to_dict("records")
    assert {"prior", "reconstruction", "moves of autoencoder"} <= set(told[2]["terms"])
    assert told[5]["status"] == "ok"
    times = [datetime.fromisoformat(event["time"]) for event in told]
    assert times == sorted(times)
    assert all(time.utcoffset() is not None for time in times)


def test_rows_hold_numbers_alone(tmp_path: Path) -> None:
    executed(tmp_path, LEVEL, metrics=["level"], steps=2)
    (evaluated,) = (event for event in events(tmp_path) if event["event"] == "run_evaluated")
    assert {row["metric"]: row["value"] for row in evaluated["rows"]} == {"level": 0.5}


def test_a_study_that_goes_on_appends(tmp_path: Path) -> None:
    executed(tmp_path, steps=2)
    executed(tmp_path, steps=2)
    told = [event["event"] for event in events(tmp_path)]
    assert told[-2:] == ["study_started", "study_ended"]
    assert told.count("study_started") == 2
    assert events(tmp_path)[-2]["runs"] == []


def test_a_plugin_that_raises_costs_neither_the_run_nor_the_journal(tmp_path: Path) -> None:
    execution = executed(tmp_path, FAILING)
    assert [event["event"] for event in events(tmp_path)][-3:] == ["run_evaluated", "run_ended", "study_ended"]
    assert events(tmp_path)[-2]["status"] == "ok"
    ((plugin, reason),) = execution.lifecycle.disabled.items()
    assert plugin.endswith("plugin_1.py")
    assert "no connection" in reason


def test_a_journal_that_cannot_be_written_does_not_cost_the_run(tmp_path: Path) -> None:
    (tmp_path / "small" / "events.jsonl").mkdir(parents=True)
    execution = executed(tmp_path, steps=2)
    assert not execution.failures
    assert len(execution.work.with_results()) == 1
    assert "IsADirectoryError" in execution.lifecycle.disabled["vaegan_bench_jsonl"]


def test_a_line_is_on_disk_at_once_and_text_stays_readable(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    append(path, "noted", {"label": "γ = 1", "values": (1.0, math.inf), "nested": {"x": [math.nan]}})
    line = path.read_text("utf-8")
    assert "γ" in line
    read = json.loads(line)
    assert (read["values"], read["nested"]) == ([1.0, None], {"x": [None]})
    with pytest.raises(TypeError):
        append(path, "noted", {"value": object()})
    assert path.read_text("utf-8") == line
