"""How many runs go on side by side, and what of a machine may be used."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import vaegan_bench as vb
from vaegan_bench.api import SelectorError, StudyError, UnknownNameError
from vaegan_bench.cli.session import estimate_in_words
from vaegan_bench.execution.engine_choice import choose_engine, suited
from vaegan_bench.execution.engines.processes import Processes
from vaegan_bench.execution.engines.serial import Serial
from vaegan_bench.execution.estimate import Cost, minutes_side_by_side
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.study.plan import Plan, make_plan
from vaegan_bench.study.study_file import load_study
from vaegan_bench.system import cores


@pytest.mark.parametrize(
    ("available", "threads", "runs", "device", "count"),
    [
        (8, 1, 20, "cpu", 8),
        (8, 3, 20, "cpu", 2),
        (8, 1, 3, "cpu", 3),
        (2, 4, 20, "cpu", 1),
        (8, 1, 0, "cpu", 1),
        (8, 1, 20, "cuda", 1),
        (8, 1, 20, "mps", 1),
    ],
)
def test_auto_takes_as_many_as_have_cores_and_runs(
    available: int, threads: int, runs: int, device: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaegan_bench.execution.engines.worker_count.usable_cores", lambda: available)
    assert Processes().count(runs, threads, device) == count


@pytest.mark.parametrize(
    ("study", "values", "is_one"),
    [
        ("smoke", {}, True),
        ("quick", {}, False),
        ("smoke", {"steps": 400}, False),
        ("smoke", {"samples": 4000}, False),
        ("smoke", {"networks": "larsen", "size": 64, "models": ["vaegan"], "seeds": 3}, False),
    ],
)
def test_a_study_of_seconds_needs_no_other_process(study: str, values: dict[str, Any], is_one: bool) -> None:
    plan = make_plan(load_study(study).with_values(values, "the test"), Registry())
    assert suited(Processes(), plan) == (Serial() if is_one else Processes())
    assert suited(Processes(workers=2), plan) == Processes(workers=2)


def test_a_number_is_taken_as_it_is_but_for_runs_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaegan_bench.execution.engines.worker_count.usable_cores", lambda: 1)
    assert Processes(workers=3).count(20, 4, "cuda") == 3
    assert Processes(workers=3).count(2, 1, "cpu") == 2


@pytest.mark.parametrize("written", [0, -1, "0", "-2", "1.5", "two", "", "AUTO", "²"])
def test_anything_else_is_refused(written: str | int) -> None:
    words = "workers must be at least 1, or auto, not|workers takes a whole number of at most 64 bits or 'auto', not"
    with pytest.raises(SelectorError, match=words):
        choose_engine(Registry(), "processes", written)
    with pytest.raises(SelectorError, match=words):
        vb.run("smoke", workers=written)


def test_workers_fill_the_field_of_their_engine_and_are_refused_where_there_is_none() -> None:
    assert choose_engine(Registry(), "processes", "3") == Processes(workers=3)
    assert choose_engine(Registry(), "processes[workers=2]") == Processes(workers=2)
    with pytest.raises(StudyError, match=r"Engine 'processes\[workers=2\]' gives a number of workers, and so does"):
        choose_engine(Registry(), "processes[workers=2]", "3")
    with pytest.raises(StudyError, match="Engine 'serial' takes no number of workers"):
        choose_engine(Registry(), "serial", "3")
    with pytest.raises(UnknownNameError, match="Did you mean 'processes'"):
        choose_engine(Registry(), "proceses", "3")


@pytest.mark.parametrize(
    ("text", "granted"), [("250000 100000", 2), ("50000 100000", 1), ("max 100000", 4), ("", 4), (None, 4)]
)
def test_a_container_may_use_what_its_quota_grants(
    text: str | None, granted: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cores, "CGROUP", tmp_path)
    monkeypatch.setattr(cores, "_allowed_cores", lambda: 4)
    monkeypatch.setattr(os, "cpu_count", lambda: 16)
    if text is not None:
        (tmp_path / "cpu.max").write_text(f"{text}\n")
    assert cores.usable_cores() == granted


def test_no_more_cores_are_used_than_the_process_may_run_on() -> None:
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert cores.usable_cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)


def test_the_time_of_runs_side_by_side_is_at_least_that_of_the_longest() -> None:
    short, long = Cost("vae", 4, 600, 100, 1000.0, 0), Cost("vaegan", 1, 6000, 100, 1000.0, 0)
    assert (short.minutes, long.minutes) == (4.0, 10.0)
    assert minutes_side_by_side([short, long], 1) == 14.0
    assert minutes_side_by_side([short, short], 2) == 4.0
    assert minutes_side_by_side([short, long], 2) == 10.0


def planned(device: str) -> Plan:
    plan = make_plan(load_study("smoke").with_values({"models": ["vae"], "seeds": 4}, "the test"), Registry())
    return replace(plan, runs=tuple(replace(run, device=device) for run in plan.runs))


def test_runs_that_share_a_gpu_are_estimated_one_after_the_other() -> None:
    costs = [Cost("vae", 4, 600, 100, 1000.0, 0)]
    cases = [("cpu", 4), ("cuda", 4), ("cuda", 1)]
    on_cpu, on_gpu, alone = (estimate_in_words(planned(device), costs, workers) for device, workers in cases)
    assert "about 1.0 min here with 4 workers" in on_cpu
    assert "about 4.0 min here, one run after the other" in on_gpu
    assert "4 workers on one GPU are faster with small networks only" in on_gpu
    assert "about 4.0 min here, measured on a few steps each. " in alone
    for words, memory in ((on_cpu, "this process held"), (on_gpu, "without the training images and CUDA itself")):
        assert memory in words
