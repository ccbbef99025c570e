"""The figures of a study by name, drawn from what its runs left on disk."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from vaegan_bench import plots, tables
from vaegan_bench.errors import StoreError
from vaegan_bench.store import RunFolder, StudyFolder

Array = np.ndarray[Any, np.dtype[Any]]
Kept = Mapping[str, Sequence[Mapping[str, Array]]]
"""Model → the arrays of each of its runs, by name."""

NUMBERS = ("learning-curves", "gradients", "metrics", "attributes", "attribute-matrix", "latent")
PICTURES = ("samples", "reconstructions", "attribute-strips", "nearest-training")


def study_figures(folder: StudyFolder) -> dict[str, Figure]:
    """All figures of a study; where it has several data sets, those of one carry its name."""
    return {**number_figures(folder), **picture_figures(folder)}


def number_figures(folder: StudyFolder) -> dict[str, Figure]:
    """Learning curves, metrics, attributes one by one and codes, as far as they were measured."""
    rows, history = tables.by_protocol(folder.rows()), folder.history()
    models = list(dict.fromkeys(rows["model"]))
    figures = _each(folder, _exhibits_of(folder), lambda kept: dict(_number_figures(kept, models)))
    datasets = rows["dataset"].unique()
    for dataset in datasets:
        for name, curves in _curves(history[history["dataset"] == dataset]).items():
            figures[_named(name, dataset, len(datasets))] = plots.learning_curves(curves, models)
        single = _with_ceiling(rows[(rows["dataset"] == dataset) & (rows["attribute"] != "")])
        if not single.empty:
            figures[_named("attributes", dataset, len(datasets))] = plots.attribute_dots(single, models)
    if (rows["direction"] != "none").any():
        figures["metrics"] = plots.metric_dots(rows, models)
    return figures


def picture_figures(folder: StudyFolder) -> dict[str, Figure]:
    """Samples on the same codes, reconstructions of the same pictures, moved faces, nearest training pictures.

    Each model shows its first seed that has any.
    """
    models = list(dict.fromkeys(run.record()["label"] for run in folder.finished()))
    return {
        **_each(folder, RunFolder.pictures, lambda kept: dict(_sheets(kept, models))),
        **_each(folder, _exhibits_of(folder), lambda kept: dict(_picture_figures(kept, models))),
    }


def _each(
    folder: StudyFolder,
    arrays_of: Callable[[RunFolder], Mapping[str, Array]],
    draw: Callable[[Kept], Mapping[str, Figure]],
) -> dict[str, Figure]:
    """The figures of each data set, from what its runs kept."""
    kept: dict[str, dict[str, list[Mapping[str, Array]]]] = {}
    for run in folder.finished():
        record = run.record()
        if arrays := arrays_of(run):
            kept.setdefault(record["dataset"], {}).setdefault(record["label"], []).append(arrays)
    return {
        _named(name, dataset, len(kept)): figure
        for dataset, of_dataset in kept.items()
        for name, figure in draw(of_dataset).items()
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


def _sheets(kept: Kept, models: Sequence[str]) -> Iterator[tuple[str, Figure]]:
    """Samples and reconstructions on one data set."""
    originals = next(iter(kept.values()))[0]["originals"]
    yield "samples", plots.sample_sheet(_first(kept, "samples"), real=originals, models=models)
    if rebuilt := _first(kept, "reconstructions"):
        yield "reconstructions", plots.reconstruction_sheet(originals, rebuilt, models=models)


def _number_figures(kept: Kept, models: Sequence[str]) -> Iterator[tuple[str, Figure]]:
    """What exhibits say in numbers, in the mean over seeds."""
    if spectra := _mean(kept, "kl-per-dimension"):
        yield "latent", plots.latent_spectrum(spectra, models)
    if matrices := _mean(kept, "attribute-matrix"):
        names = next(iter(_first(kept, "attribute-names").values())).tolist()
        yield "attribute-matrix", plots.attribute_matrix(matrices, names, models)


def _picture_figures(kept: Kept, models: Sequence[str]) -> Iterator[tuple[str, Figure]]:
    """What exhibits show in pictures."""
    names = dict.fromkeys(name for runs in kept.values() for name in runs[0] if name.startswith("strip-"))
    strips = {name.removeprefix("strip-"): _first(kept, name) for name in names if name != "strip-alphas"}
    if strips:
        alphas = next(iter(_mean(kept, "strip-alphas").values())).tolist()
        yield "attribute-strips", plots.attribute_strips(strips, alphas, models)
    if nearest := _first(kept, "nearest-training"):
        yield "nearest-training", plots.nearest_sheet(nearest, models=models)


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
