"""The figures of a study by name, drawn from what its runs left on disk."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from vaegan_bench.report import plots, tables
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.system.errors import FAILURES, StoreError, reason_of

Array = np.ndarray[Any, np.dtype[Any]]
Kept = Mapping[str, Sequence[Mapping[str, Array]]]
"""Model → the arrays of each of its runs, by name."""

NUMBERS = ("learning-curves", "gradients", "metrics", "attributes", "attribute-matrix", "latent")
SPECTRUM = "kl-per-dimension"
IMAGES = ("samples", "reconstructions", "attribute-strips", "nearest-training")


Drawing = Callable[[], Figure]
"""Draws one figure: later, so that one that cannot be drawn costs no other."""


def study_figures(folder: StudyFolder) -> dict[str, Figure]:
    """All figures of a study; where it has several data sets, those of one carry its name.

    Warns of those that cannot be drawn, and leaves them out.
    """
    figures: dict[str, Figure] = {}
    for name, draw in {**number_figures(folder), **image_figures(folder)}.items():
        try:
            figures[name] = draw()
        except FAILURES as error:
            warnings.warn(f"The figure {name} cannot be drawn: {reason_of(error)}.", stacklevel=2)
    return figures


def number_figures(folder: StudyFolder) -> dict[str, Drawing]:
    """Learning curves, metrics, attributes one by one and codes, as far as they were measured."""
    rows, history = tables.by_protocol(folder.rows()), folder.history()
    models = list(dict.fromkeys(rows["model"]))
    drawings = _each(folder, _exhibits_of(folder), lambda kept: _number_figures(kept, models))
    datasets = rows["dataset"].unique()
    for dataset in datasets:
        for name, curves in _curves(history[history["dataset"] == dataset]).items():
            drawings[_named(name, dataset, len(datasets))] = partial(plots.learning_curves, curves, models)
        single = _with_ceiling(rows[(rows["dataset"] == dataset) & (rows["attribute"] != "")])
        if not single.empty:
            drawings[_named("attributes", dataset, len(datasets))] = partial(plots.attribute_dots, single, models)
    if (rows["direction"] != "none").any():
        drawings["metrics"] = partial(plots.metric_dots, rows, models)
    return drawings


def image_figures(folder: StudyFolder) -> dict[str, Drawing]:
    """Samples on the same codes, reconstructions of the same images, moved faces, nearest training images.

    Each model shows its first seed that has any.
    """
    models = list(dict.fromkeys(run.record().label for run in folder.finished()))
    return {
        **_each(folder, RunFolder.images, lambda kept: _sheets(kept, models)),
        **_each(folder, _exhibits_of(folder), lambda kept: _image_figures(kept, models)),
    }


def _each(
    folder: StudyFolder,
    arrays_of: Callable[[RunFolder], Mapping[str, Array]],
    drawings_of: Callable[[Kept], Mapping[str, Drawing]],
) -> dict[str, Drawing]:
    """The figures of each data set, from what its runs kept."""
    kept: dict[str, dict[str, list[Mapping[str, Array]]]] = {}
    for run in folder.finished():
        record = run.record()
        if arrays := arrays_of(run):
            kept.setdefault(record.dataset, {}).setdefault(record.label, []).append(arrays)
    return {
        _named(name, dataset, len(kept)): draw
        for dataset, of_dataset in kept.items()
        for name, draw in drawings_of(of_dataset).items()
    }


def _exhibits_of(folder: StudyFolder) -> Callable[[RunFolder], Mapping[str, Array]]:
    """What picks a run's exhibits: those that the study planned, or else those of one measurement for all runs."""
    runs = folder.finished()
    keys = dict.fromkeys([*folder.planned(), *(key for run in runs for key in run.exhibits())])
    source: dict[str, str] = {}
    for key in keys:
        for name in dict.fromkeys(name for run in runs for name in run.exhibits().get(key, {})):
            source.setdefault(name, key)

    def pick(run: RunFolder) -> Mapping[str, Array]:
        kept = run.exhibits()
        return {name: kept[key][name] for name, key in source.items() if name in kept.get(key, {})}

    return pick


def _named(figure: str, dataset: str, datasets: int) -> str:
    """A figure's file name, with its data set where there are several."""
    plain = re.sub(r"[^\w.]+", "-", dataset.replace("×", "x")).strip("-")
    return f"{figure}-{plain}" if datasets > 1 else figure


GRADIENT, QUIET = "gradient of ", ("moves of ", "weight of ")
"""Columns of the history: of a figure of its own, and those that say nothing where they never change."""


def _curves(history: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The terms over time, moves and weights as far as they change; and how hard each term pulls at each player."""
    gradients, values = history["term"].str.startswith(GRADIENT), history.groupby("term")["value"]
    constant = values.transform("min") == values.transform("max")
    pulls = history[gradients].assign(term=lambda rows: rows["term"].str.removeprefix(GRADIENT))
    terms = history[~gradients & ~(history["term"].str.startswith(QUIET) & constant)]
    return {"learning-curves": terms, **({} if pulls.empty else {"gradients": pulls})}


def _with_ceiling(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of metrics that can be read against a ceiling: more panels than these nobody compares."""
    having = rows.loc[rows["ceiling"].notna() & (rows["direction"] == "higher"), "metric"].unique()
    return rows[rows["metric"].isin(having)]


def _sheets(kept: Kept, models: Sequence[str]) -> dict[str, Drawing]:
    """Samples and reconstructions on one data set."""
    runs = [run for runs in kept.values() for run in runs]
    drawings: dict[str, Drawing] = {}
    originals = next((run["originals"] for run in runs if "originals" in run), None)
    if samples := _first(kept, "samples"):
        drawings["samples"] = partial(plots.sample_sheet, samples, real=originals, models=models)
    if originals is not None and (rebuilt := _first(kept, "reconstructions")):
        drawings["reconstructions"] = partial(plots.reconstruction_sheet, originals, rebuilt, models=models)
    return drawings


def _number_figures(kept: Kept, models: Sequence[str]) -> dict[str, Drawing]:
    """What exhibits say in numbers, averaged over seeds."""
    drawings: dict[str, Drawing] = {}
    if _first(kept, SPECTRUM):
        drawings["latent"] = lambda: plots.latent_spectrum(_mean(_ranked(kept), SPECTRUM), models)
    if names := _first(kept, "attribute-names"):
        first = next(iter(names.values()))
        drawings["attribute-matrix"] = lambda: plots.attribute_matrix(
            _mean(kept, "attribute-matrix"), first.tolist(), models
        )
    return drawings


def _ranked(kept: Kept) -> Kept:
    """Spectra alone, each from its largest dimension down: of two seeds, dimensions share no more than their rank."""
    return {
        model: [{SPECTRUM: np.sort(run[SPECTRUM])[::-1]} for run in runs if SPECTRUM in run]
        for model, runs in kept.items()
    }


def _image_figures(kept: Kept, models: Sequence[str]) -> dict[str, Drawing]:
    """What exhibits show in images."""
    drawings: dict[str, Drawing] = {}
    names = dict.fromkeys(name for runs in kept.values() for run in runs for name in run if name.startswith("strip-"))
    strips = {name.removeprefix("strip-"): _first(kept, name) for name in names if name != "strip-alphas"}
    if strips and (alphas := _mean(kept, "strip-alphas")):
        steps = next(iter(alphas.values()))
        drawings["attribute-strips"] = lambda: plots.attribute_strips(strips, steps.tolist(), models)
    if nearest := _first(kept, "nearest-training"):
        drawings["nearest-training"] = partial(plots.nearest_sheet, nearest, models=models)
    return drawings


def _first(kept: Kept, name: str) -> dict[str, Array]:
    """An array of each model's first seed that has it."""
    having = {model: [run[name] for run in runs if name in run] for model, runs in kept.items()}
    return {model: arrays[0] for model, arrays in having.items() if arrays}


def _mean(kept: Kept, name: str) -> dict[str, Array]:
    """The mean of an array over each model's seeds. Raises `StoreError` where its shape is not always the same."""
    having = {model: [run[name] for run in runs if name in run] for model, runs in kept.items()}
    shapes = {array.shape for arrays in having.values() for array in arrays}
    if len(shapes) > 1:
        listed = " or ".join(map(str, sorted(shapes)))
        raise StoreError(f"The runs' exhibits '{name}' do not fit each other: {listed}. Measure the runs again.")
    return {model: np.mean(arrays, axis=0) for model, arrays in having.items() if arrays}
