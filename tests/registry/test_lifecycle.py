"""Life-cycle hooks: their order, what they are told, and that a plugin that fails harms nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from vaegan_bench.api import hookimpl
from vaegan_bench.execution.execution import Execution
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.plan import make_plan
from vaegan_bench.study.study_file import load_study


class Notebook:
    """Writes down what it is told; each hook takes what it needs of the arguments."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.terms: list[Mapping[str, float]] = []
        self.rows: Sequence[Mapping[str, Any]] = ()

    @hookimpl
    def study_started(self, name: str, folder: Path, images: list[int]) -> None:
        assert folder.is_dir()
        self.heard.append(f"study {name} on {images}")

    @hookimpl
    def run_started(self, label: str, steps: int) -> None:
        self.heard.append(f"run {label} for {steps}")

    @hookimpl
    def step_ended(self, step: int) -> None:
        self.heard.append(f"step {step}")

    @hookimpl
    def terms_logged(self, step: int, terms: Mapping[str, float]) -> None:
        self.heard.append(f"terms {step}")
        self.terms.append(terms)

    @hookimpl
    def run_evaluated(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self.heard.append("evaluated")
        self.rows = rows

    @hookimpl
    def run_ended(self, status: str) -> None:
        self.heard.append(f"ended {status}")

    @hookimpl
    def study_ended(self) -> None:
        self.heard.append("study ended")


class Fragile(Notebook):
    """Breaks at its second step."""

    @hookimpl
    def step_ended(self, step: int) -> None:
        super().step_ended(step)
        if step == 2:
            raise OSError("the disk is full")


class Impatient(Notebook):
    """Presses Ctrl-C at its second step."""

    @hookimpl
    def step_ended(self, step: int) -> None:
        super().step_ended(step)
        if step == 2:
            raise KeyboardInterrupt


def execution(tmp_path: Path, listener: object) -> Execution:
    registry = Registry()
    registry.manager.register(listener, "listener")
    values = {"models": ["vae"], "steps": 3, "samples": 32, "metrics": ["reconstruction"]}
    plan = make_plan(load_study("smoke").with_values(values, "the test"), registry)
    return Execution(plan, registry, StudyFolder(tmp_path / "study"), tmp_path)


def test_hooks_are_called_in_their_order(tmp_path: Path) -> None:
    notebook = Notebook()
    running = execution(tmp_path, notebook)
    running.run()
    batch = running.plan.study.batch
    steps = ["step 1", "step 2", "terms 3", "step 3"]
    first = [f"study smoke on [{3 * batch}]", "run vae for 3"]
    assert notebook.heard == [*first, *steps, "evaluated", "ended ok", "study ended"]
    assert {"prior", "moves of autoencoder", "weight of autoencoder.prior", "gradient of autoencoder.prior"} <= set(
        notebook.terms[0]
    )
    assert "step" not in notebook.terms[0]
    assert {"psnr", "ssim"} <= {row["metric"] for row in notebook.rows}


def test_a_plugin_that_fails_hears_nothing_more_and_costs_nobody_a_run(tmp_path: Path) -> None:
    fragile = Fragile()
    running = execution(tmp_path, fragile)
    running.run()
    assert fragile.heard[-1] == "step 2"
    (words,) = running.lifecycle.disabled.values()
    assert words.startswith("step_ended: OSError: the disk is full (test_lifecycle.py:")
    assert not running.failures
    assert len(running.work.with_results()) == 1


def test_an_interrupted_run_and_its_study_are_ended(tmp_path: Path) -> None:
    impatient = Impatient()
    running = execution(tmp_path, impatient)
    with pytest.raises(KeyboardInterrupt):
        running.run()
    assert impatient.heard[-2:] == ["ended interrupted", "study ended"]
