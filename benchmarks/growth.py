"""What 10,000 runs cost: seconds to plan them, to find what is left of them, and to show them.

Trains one small run of every model and writes it again for every other seed, with other numbers, as the suite itself
writes runs. Then times each part in a process of its own; the files were just written, and need not come from a disk.

Run: python benchmarks/growth.py [--runs 10000] [--models 4] [--results FOLDER]

10,000 runs take 800 MB. With --results they are kept there, and used again as long as the code is the same.
Numbers are in docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vaegan_bench.api import Plugin, hookimpl
from vaegan_bench.execution.execution import Execution
from vaegan_bench.execution.workload import Workload
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.report.status.asked_study import CurrentStatus, find_study
from vaegan_bench.report.status.recorded import recorded_status
from vaegan_bench.report.writing import write_tables
from vaegan_bench.results.history import curves_of
from vaegan_bench.results.measurements import Sheets
from vaegan_bench.results.records import MeasurementRecord
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.results.study_folder import STUDY, StudyFolder
from vaegan_bench.study.plan import make_plan
from vaegan_bench.study.run import Run
from vaegan_bench.study.study import Study
from vaegan_bench.system.device import describe
from vaegan_bench.testing.small import NETWORKS, Blobs

MODELS = {"vae": "prior", "gan": "discriminator", "vaegan": "prior", "vaegan-pixel": "prior"}
"""Model → a term whose weight makes variants of it."""
SAMPLES, IMAGES = 16, 2
"""Samples per run, and images of each kind that are kept."""


@hookimpl
def vaegan_bench_plugins() -> list[type[Plugin]]:
    """Provide the small data."""
    return [Blobs]


def study_of(models: int, runs: int) -> Study:
    """The study that is to have so many runs: every seed of every model and variant."""
    weights = ["", *(f"[{{}}.weight={1 + i / 8}]" for i in range(1, models // len(MODELS)))]
    labels = [f"{model}{weight.format(term)}" for model, term in MODELS.items() for weight in weights]
    return Study(
        name=f"growth-{models}",
        datasets=("blobs",),
        networks=str(NETWORKS),
        models=tuple(labels),
        seeds=tuple(range(runs // len(labels))),
        steps=100,
        batch=16,
        samples=SAMPLES,
        metrics=("reconstruction", "latent-health"),
        device="cpu",
    )


def registry_of_growth() -> Registry:
    """The plugins, with the small data."""
    return Registry([__file__])


def write_store(study: Study, folder: StudyFolder) -> None:
    """Train and measure the first seed of every model, and write all runs like it, with numbers of their own."""
    execution = execution_of(replace(study, seeds=study.seeds[:1]), folder)
    execution.run()
    originals = {run.label: Original(folder.run(run.id)) for run in execution.plan.runs}
    whole = execution_of(study, folder)
    for run in whole.plan.runs:
        originals[run.label].write_as(run, folder.run(run.id))
    planned = folder.study()
    folder.write_study(replace(planned, study=study, runs=tuple(run.id for run in whole.plan.runs)))


def execution_of(study: Study, folder: StudyFolder) -> Execution:
    """The plan of a study, with its folder."""
    registry = registry_of_growth()
    return Execution(make_plan(study, registry), registry, folder, folder.path.parent / "cache")


class Original:
    """What one trained run left."""

    def __init__(self, run: RunFolder) -> None:
        self.record, self.weights, self.measurements = run.record(), run.training.weights(), run.measurements.by_key()
        self.exhibits = run.measurements.exhibits()
        self.images = {name: each[:IMAGES] for name, each in run.images().items()}
        curves = curves_of([(run.record(), run.training.curves())])
        history = curves.pivot(index="step", columns="term", values="value").reset_index()
        self.history = [{str(term): float(value) for term, value in row.items()} for row in history.to_dict("records")]

    def write_as(self, run: Run, folder: RunFolder) -> None:
        """Write another run like this one."""
        noise = np.random.default_rng(run.seed)
        definition = replace(self.record.definition, seed=run.seed)
        record = replace(self.record, id=run.id, seed=run.seed, definition=definition)
        history = [{k: v if k == "step" else v * noise.normal(1, 0.01) for k, v in row.items()} for row in self.history]
        measured = [(changed(each, noise), self.exhibits.get(key, {})) for key, each in self.measurements.items()]
        with folder.claim() as claim:
            folder.training.write(claim, record, history, self.weights)
            folder.measurements.add(claim, measured, Sheets(SAMPLES, "prior", self.images, {}))


def changed(measurement: MeasurementRecord, noise: np.random.Generator) -> MeasurementRecord:
    """A measurement with other numbers."""
    rows = [{**row, "value": row["value"] * noise.normal(1, 0.05)} for row in measurement["rows"]]
    return {**measurement, "rows": rows}  # type: ignore[typeddict-item]  # a row with another value is a row


def workload_of(folder: StudyFolder) -> Workload:
    """The plan held against the store."""
    return execution_of(folder.study().study, folder).work


def status_of(folder: StudyFolder) -> CurrentStatus:
    """What `vaegan-bench status` shows for the folder, with the plan made."""
    return CurrentStatus(lambda: find_study(str(folder.path), folder.path.parent, {}), registry_of_growth())


PARTS: dict[str, tuple[Callable[[StudyFolder], Any], Callable[[Any], object]]] = {
    "make the plan": (
        lambda folder: (folder.study().study, registry_of_growth()),
        lambda made: [run.id for run in make_plan(*made).runs],
    ),
    "find what is damaged, finished, left": (
        workload_of,
        lambda work: (work.damaged(), work.with_results(), work.unfinished(), work.left()),
    ),
    "status by records": (lambda folder: folder, recorded_status),
    "status by a plan made before": (status_of, CurrentStatus.__call__),
    "read the rows": (lambda folder: folder, lambda folder: folder.rows()),
    "vaegan-bench table": (lambda folder: folder, lambda folder: print_table(folder)),
    "write summary and rows": (lambda folder: folder, write_tables),
}
"""Part → what is made before, and what is timed of it."""


def print_table(folder: StudyFolder) -> None:
    """The command, with its start-up."""
    line = [sys.executable, "-c", "from vaegan_bench.cli import main; main()", "table", str(folder.path)]
    subprocess.run(line, check=True, stdout=subprocess.DEVNULL)


def time_part(part: str, folder: StudyFolder) -> None:
    """Time one part in this process, and print its elapsed seconds and its processor time."""
    prepare, work = PARTS[part]
    made = prepare(folder)
    before, started = os.times(), time.perf_counter()
    work(made)
    elapsed, after = time.perf_counter() - started, os.times()
    print(f"{part:38} {elapsed:8.1f} s elapsed {sum(after[:4]) - sum(before[:4]):8.1f} s of one core", flush=True)


def measure(arguments: argparse.Namespace, results: Path) -> None:
    """Write the store unless it is there, and time the parts."""
    study = study_of(arguments.models, arguments.runs)
    folder = StudyFolder(results / study.name)
    if arguments.part:
        time_part(arguments.part, folder)
        return
    if not (folder.path / STUDY).is_file():
        write_store(study, folder)
    print(f"{arguments.runs:,} runs, {arguments.models} models, on {describe(torch.device('cpu'))}", flush=True)
    line = [sys.executable, __file__, "--runs", str(arguments.runs), "--models", str(arguments.models)]
    for part in PARTS:
        subprocess.run([*line, "--results", str(results), "--part", part], check=True)


def main() -> None:
    """Measure once, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--models", type=int, default=4, help="models and variants, a multiple of 4")
    parser.add_argument("--results", type=Path, help="where the store is kept; by default it is removed at the end")
    parser.add_argument("--part", choices=PARTS, help="time only this part, of a store that is there")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        measure(arguments, arguments.results or Path(temporary))


if __name__ == "__main__":
    main()
