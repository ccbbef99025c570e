"""The suite from Python: run a study, load a trained model."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import fields
from inspect import signature
from pathlib import Path
from typing import Any

from vaegan_bench.evaluation.stored_run import restore_model, stored_run
from vaegan_bench.execution.engine_choice import choose_engine
from vaegan_bench.execution.execution import Execution
from vaegan_bench.execution.run_keeper import INTERVAL
from vaegan_bench.execution.run_study import run_study
from vaegan_bench.execution.time_limit import time_limit
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.report.results import Results
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.plan import make_plan
from vaegan_bench.study.study import Study
from vaegan_bench.study.study_file import load_study
from vaegan_bench.system.device import choose_device
from vaegan_bench.system.errors import StudyError, StudyWarning, UnknownNameError
from vaegan_bench.system.paths import default_cache, user_path
from vaegan_bench.training.trained_model import TrainedModel

EXAMPLES = {"engine": "processes[workers=2]", "max_time": "90m"}
"""Arguments that are text → a value."""


def run(
    study: str | Path | Study = "quick",
    *,
    results: str | Path = "results",
    cache: str | Path | None = None,
    plugins: Iterable[str | Path] = (),
    workers: int | str | None = None,
    engine: str | None = None,
    checkpoint: float = INTERVAL,
    max_time: str | None = None,
    **values: Any,
) -> Results:
    """Train and measure a study, as `vaegan-bench run` does, and return its results.

    `study` is a name from `vaegan-bench list studies`, a TOML file or a `Study`; further keywords replace its keys:
    `vb.run("quick", models=["vae", "vaegan"], seeds=3)`. Finished runs are not run again. `workers` is how many runs go
    on side by side, each in a process of its own; "auto" is as many as there are cores for. `engine` is a selector:
    an engine distributes runs to processes; by default all runs are trained in this one. Worker processes import the
    main module, so a script that asks for them must call this inside of `if __name__ == "__main__":`.

    A run leaves a checkpoint every `checkpoint` seconds, when it is interrupted, and when `max_time` is over, such as
    "3h" or "90m"; the same call goes on from there.
    Raises `BenchError` before anything is trained if the study cannot be run. Raises `IncompleteError` when `max_time`
    is over, the disk is full, or a GPU or the scheduler of a cluster is lost; and at the end if a run failed, a metric
    gave no numbers, or a table or figure could not be written: everything else is then trained, measured and reported,
    and the error's `lines` say what is missing, and why.
    """
    _check_arguments(values, checkpoint, engine=engine, max_time=max_time)
    with time_limit(max_time):
        registry = Registry(plugins)
        count = 1 if workers is None and engine is None else workers
        carrier = choose_engine(registry, "processes" if engine is None else engine, count)
        chosen = study if isinstance(study, Study) else load_study(str(study), registry.studies)
        plan = make_plan(chosen.with_values(values, "the arguments"), registry)
        folder = StudyFolder(user_path(results) / plan.study.name)
        where = default_cache() if cache is None else user_path(cache)
        execution = Execution(plan, registry, folder, where, engine=carrier, checkpoint=checkpoint)
        run_study(execution).conclude()
    return Results(folder, registry.sources)


def _check_arguments(values: Iterable[str], checkpoint: object, **texts: object) -> None:
    known = {field.name for field in fields(Study)}.union(signature(run).parameters) - {"values"}
    for key in values:
        if key not in known:
            raise UnknownNameError("argument of run:", key, known)
    if not (isinstance(checkpoint, int | float) and checkpoint >= 0):
        raise StudyError(f"checkpoint is a number of seconds, 0 or more, not {checkpoint!r}.")
    for name, text in texts.items():
        if not isinstance(text, str | None):
            raise StudyError(f"{name} is text, such as {EXAMPLES[name]!r}, not {text!r}.")


def load_model(folder: str | Path, device: str = "auto", plugins: Iterable[str | Path] = ()) -> TrainedModel:
    """A trained model from a run's folder, such as "results/quick/vaegan-s0-1a2b3c4d", on any device.

    Warns if the run diverged. Raises `StoreError` if the folder contains no run or no weights.
    """
    stored = RunFolder(user_path(folder))
    record = stored.record()
    if not record.is_ok:
        warnings.warn(f"{folder} {record.status}: its weights are those of that step.", StudyWarning, stacklevel=2)
    return restore_model(stored_run(stored, Registry(plugins)), stored, choose_device(device))
