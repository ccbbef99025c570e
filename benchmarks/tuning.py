"""Trials of settings on validation images: many small studies side by side, and one table of what they gave.

Run: python benchmarks/tuning.py TRIALS.toml --results FOLDER [--workers 2] [--device cpu] [--margin 0.15]

TRIALS.toml has a table [base] of a study's name and of keys that replace its own, and one table [[trial]] each with a
group and further keys; the metrics whose sum `decides` (least is best), and the `plugins` that are needed, if any. All
trials of a group are made with the first seed; with the other seeds those that are within --margin of the group's best,
if there is more than one: over three seeds, distances vary by some 5 %. What is finished is kept, and is not trained
again by the next call. The table is printed as trials end, and written to FOLDER/trials.csv.
docs/tuning.md says what was tried and found.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
import tomllib
import traceback
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from vaegan_bench.execution.execution import Execution
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.plan import make_plan
from vaegan_bench.study.study_file import load_study
from vaegan_bench.system.paths import default_cache

SHOWN = (
    "frechet[oracle]", "reconstruction-frechet[oracle]", "precision[oracle]", "recall[oracle]", "kid[oracle]", "psnr",
    "ssim", "retention-auc", "attribute-cosine-centred", "attribute-error", "seconds",
)  # fmt: skip
"""The columns of the table, as far as they are measured."""


@dataclass(frozen=True)
class Trial:
    """One setting."""

    name: str
    group: str
    values: dict[str, Any]
    """Keys of the study."""
    plugins: tuple[str, ...]
    """Modules or files."""


@dataclass(frozen=True)
class Trials:
    """What a file asks for."""

    trials: list[Trial]
    seeds: list[int]
    decides: list[str]
    """The metrics of which the sum is compared."""


def read_trials(path: Path, device: str) -> Trials:
    """The trials of a file."""
    content = tomllib.loads(path.read_text("utf-8"))
    base, plugins = {"device": device, **content["base"]}, tuple(content.get("plugins", ()))
    seeds, trials = base.pop("seeds"), []
    for number, entry in enumerate(content["trial"]):
        group = entry.pop("group")
        trials.append(Trial(f"{number:03}-{group}", group, {**base, **entry}, plugins))
    return Trials(trials, seeds, content.get("decides", ["frechet[oracle]"]))


def make_trial(trial: Trial, seed: int, results: Path) -> list[dict[str, Any]]:
    """Train and measure one setting with one seed; its rows."""
    torch.set_num_threads(1)
    values, registry = dict(trial.values), Registry(trial.plugins)
    named = load_study(values.pop("study"), registry.studies)
    study = named.with_values({**values, "seeds": [seed]}, f"trial {trial.name}")
    folder = StudyFolder(results / f"{trial.name}-s{seed}")
    execution = Execution(make_plan(study, registry), registry, folder, default_cache())
    execution.run()
    rows = folder.rows()
    chosen = rows[rows.metric.isin(SHOWN) & (rows.attribute == "")]
    return [
        {
            "trial": trial.name,
            "group": trial.group,
            "model": r.model,
            "seed": r.seed,
            "metric": r.metric,
            "value": r.value,
        }
        for r in chosen.itertuples()
    ]


def table_of(rows: list[dict[str, Any]], trials: list[Trial]) -> pd.DataFrame:
    """One line per trial and model: the means over its seeds, and the settings that distinguish it."""
    frame = pd.DataFrame(rows, columns=["trial", "group", "model", "seed", "metric", "value"])
    seeds = frame.groupby(["trial", "model"]).seed.nunique().rename("seeds")
    means = frame.pivot_table(index=["trial", "model"], columns="metric", values="value", aggfunc="mean")
    settings = pd.Series({t.name: settings_of(t, trials) for t in trials}, name="settings").rename_axis("trial")
    table = means.join(seeds).join(settings).reset_index()
    columns = ["trial", "seeds", *(metric for metric in SHOWN if metric in means), "model", "settings"]
    return table[columns].sort_values(["trial"])


def settings_of(trial: Trial, trials: list[Trial]) -> str:
    """The keys in which trials differ, but for their models."""
    differing = [k for k, v in trial.values.items() if any(t.values.get(k) != v for t in trials) and k != "models"]
    return ", ".join(f"{key}={trial.values[key]}" for key in differing)


def undecided(rows: list[dict[str, Any]], asked: Trials, margin: float) -> list[Trial]:
    """The trials that are within a share `margin` of the best of their group, where this leaves more than one.

    They are compared by the sum of what decides, averaged over their models.
    """
    frame = pd.DataFrame(rows)
    decisive = frame[frame.metric.isin(asked.decides)]
    scores = decisive.groupby(["group", "trial", "metric"]).value.mean().groupby(["group", "trial"]).sum()
    near = scores[scores <= (1 + margin) * scores.groupby("group").transform("min")].reset_index()
    several = set(near.trial[near.groupby("group").trial.transform("size") > 1])
    return [trial for trial in asked.trials if trial.name in several]


def run_trials(
    pool: ProcessPoolExecutor, trials: list[Trial], seeds: list[int], results: Path, until: float
) -> list[dict[str, Any]]:
    """The rows of all trials with all of these seeds that end in time; those that fail say so."""
    waiting: dict[Future[list[dict[str, Any]]], Trial] = {
        pool.submit(make_trial, trial, seed, results): trial for seed in seeds for trial in trials
    }
    rows: list[dict[str, Any]] = []
    while waiting and (left := until - time.time()) > 0:
        for future in wait(waiting, timeout=left, return_when=FIRST_COMPLETED).done:
            trial = waiting.pop(future)
            try:
                rows += future.result()
                print(f"{trial.name}: {line_of(future.result())}", flush=True)
            except Exception:
                print(f"{trial.name} failed:\n{traceback.format_exc()}", flush=True)
    for future in waiting:
        future.cancel()
    return rows


def line_of(rows: list[dict[str, Any]]) -> str:
    """What one trial gave, in a line."""
    found = {row["metric"]: row["value"] for row in rows}
    return ", ".join(f"{metric} {found[metric]:.3g}" for metric in SHOWN if metric in found)


def main() -> None:
    """Make all trials, and print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trials", type=Path)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--margin", type=float, default=0.15, help="trials this near to the best get all seeds")
    parser.add_argument("--minutes", type=float, default=600.0, help="when to stop, whatever is left")
    options = parser.parse_args()
    until = time.time() + 60 * options.minutes
    asked = read_trials(options.trials, options.device)
    context = multiprocessing.get_context("spawn")
    options.results.mkdir(parents=True, exist_ok=True)
    pool = ProcessPoolExecutor(options.workers, mp_context=context)
    rows = run_trials(pool, asked.trials, asked.seeds[:1], options.results, until)
    if asked.seeds[1:] and rows:
        rows += run_trials(pool, undecided(rows, asked, options.margin), asked.seeds[1:], options.results, until)
    table = table_of(rows, asked.trials)
    table.to_csv(options.results / "trials.csv", index=False, float_format="%.4g")
    print(table.to_string(index=False, float_format=lambda x: f"{x:.3g}", max_colwidth=110))
    pool.shutdown(wait=False, cancel_futures=True)
    for process in multiprocessing.active_children():
        process.terminate()


if __name__ == "__main__":
    main()
