"""The suite from Python: run a study, load its results, load a trained model."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from vaegan_bench import tables
from vaegan_bench.paths import home_folder, user_path
from vaegan_bench.store import StudyFolder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from vaegan_bench.study import Study
    from vaegan_bench.training.trained_model import TrainedModel


def default_cache() -> Path:
    """Where prepared data and trained oracles are kept: the user's cache directory."""
    return home_folder("cache")


@dataclass(frozen=True)
class Results:
    """The results of a study, from its folder on disk."""

    folder: StudyFolder

    @property
    def rows(self) -> pd.DataFrame:
        """Tidy: one row per run × metric, with direction, units and protocol."""
        return self.folder.rows()

    @property
    def history(self) -> pd.DataFrame:
        """Learning curves: one row per run × term × interval."""
        return self.folder.history()

    def table(self) -> pd.DataFrame:
        """One row per model, one column per metric; mean ± 95 % t-interval over seeds, winners marked."""
        return tables.comparison(self.rows)

    def figures(self) -> dict[str, Figure]:
        """'learning-curves', 'metrics', 'samples', 'attribute-strips', …, as far as there is anything to show."""
        from vaegan_bench.figures import study_figures

        return study_figures(self.folder)

    def _repr_html_(self) -> str:
        return self.table().to_html()


def run(
    study: str | Path | Study = "quick",
    *,
    results: str | Path = "results",
    cache: str | Path | None = None,
    plugins: Iterable[str | Path] = (),
    **values: Any,
) -> Results:
    """Train and measure a study, as `vaegan-bench run` does, and return its results.

    `study` is a packaged name, a TOML file or a `Study`; further keywords replace its keys:
    `vb.run("quick", models=["vae", "vaegan"], seeds=3)`. Finished runs are not run again.
    Raises `BenchError` for whatever cannot be run, before anything is trained; and at the end `IncompleteError`, with
    everything else trained, measured and reported, where a run failed, a metric gave no numbers, or a table or figure
    could not be written: its `lines` say what is missing, and why.
    """
    from vaegan_bench.attempts import Attempts
    from vaegan_bench.execution import Execution
    from vaegan_bench.plan import make_plan
    from vaegan_bench.registry import Registry
    from vaegan_bench.report import write_report
    from vaegan_bench.study import Study, load_study

    registry = Registry(plugins)
    chosen = study if isinstance(study, Study) else load_study(str(study))
    plan = make_plan(chosen.with_values(values, "the arguments"), registry)
    if plan.unfollowed:
        warnings.warn(plan.unfollowed, stacklevel=2)
    folder = StudyFolder(user_path(results) / plan.study.name)
    execution = Execution(plan, registry, folder, default_cache() if cache is None else user_path(cache))
    _warn(execution.damaged(), "is made again")
    try:
        execution.carry_out()
    finally:
        for line in execution.lifecycle.warnings():
            warnings.warn(line, stacklevel=2)
    attempts = Attempts(execution.missing())
    attempts.lines += folder.missing()
    if folder.runs():
        with attempts.part("report"):
            write_report(folder)
    attempts.conclude()
    return Results(folder)


def load(folder: str | Path) -> Results:
    """The results in a study's folder, such as "results/quick". Raises `StoreError` where there are none.

    Warns of runs that are left out because a file of them is damaged.
    """
    opened = StudyFolder(user_path(folder))
    _warn(opened.left_out(), "is left out")
    return Results(opened)


def _warn(runs: Mapping[str, str], consequence: str) -> None:
    for run, reason in runs.items():
        warnings.warn(f"Run {run} {consequence}: {reason}", stacklevel=3)


def load_model(folder: str | Path, device: str = "auto", plugins: Iterable[str | Path] = ()) -> TrainedModel:
    """A trained model from a run's folder, such as "results/quick/vaegan-s0-1a2b3c4d", on any device.

    Warns where the run diverged. Raises `StoreError` for a folder that holds no run or no weights.
    """
    from vaegan_bench.api import ImageShape
    from vaegan_bench.device import choose_device
    from vaegan_bench.execution import restore, stored_run
    from vaegan_bench.registry import Registry
    from vaegan_bench.store import TRAIN_AGAIN, RunFolder
    from vaegan_bench.store.files import readable

    stored = RunFolder(user_path(folder))
    record = stored.record()
    if record["status"] != "ok":
        warnings.warn(f"{folder} {record['status']}: its weights are those of that step.", stacklevel=2)
    run, weights = stored_run(stored, Registry(plugins)), stored.weights()
    shape, where = ImageShape(*record["shape"]), choose_device(device)
    told = {name: (absent, present) for name, (absent, present) in record["attributes"].items()}
    with readable(stored.path / "run.json", TRAIN_AGAIN):  # weights of other networks than the record names
        return restore(run.model, run.networks, shape, weights, where, told)
