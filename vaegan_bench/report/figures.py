"""The figures of a study by name, drawn from what its runs left on disk."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import partial

import pandas as pd
from matplotlib.figure import Figure

from vaegan_bench.report import plots, tables
from vaegan_bench.report.exhibits import Drawing, OfImages, OfNumbers, exhibit_figures, figure_name
from vaegan_bench.results.measurements import Images
from vaegan_bench.results.rulers import Ruler
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.system.errors import FAILURES, reason_of

OWN = (
    "learning-curves", "gradients", "metrics", "trade-off", "rulers", "attributes", "samples", "reconstructions",
)  # fmt: skip
"""Figures of every study. All others are those of exhibits."""


def study_figures(folder: StudyFolder) -> dict[str, Figure]:
    """All figures of a study; where it has several data sets, names of figures include theirs.

    Warns of those that cannot be drawn, and leaves them out.
    """
    figures: dict[str, Figure] = {}
    for name, draw in {**number_figures(folder), **image_figures(folder)}.items():
        try:
            figures[name] = draw()
        except FAILURES as error:
            warnings.warn(f"The figure {name} cannot be drawn: {reason_of(error)}.", stacklevel=2)
    return figures


def number_figures(folder: StudyFolder, models: Sequence[str] = ()) -> dict[str, Drawing]:
    """Learning curves, metrics, rulers, single attributes and exhibits of numbers, where they were measured.

    `models` come first in the order of colours, before the others of the study: figures of several studies agree.
    """
    rows, history = tables.by_protocol(folder.rows()), folder.history()
    models = list(dict.fromkeys([*models, *rows["model"]]))
    drawings = exhibit_figures(folder, OfNumbers, OWN, models)
    datasets = list(rows["dataset"].unique())
    for dataset in datasets:
        for name, curves in _curves(history[history["dataset"] == dataset]).items():
            drawings[figure_name(name, dataset, datasets)] = partial(plots.learning_curves, curves, models)
        single = _with_ceiling(rows[(rows["dataset"] == dataset) & (rows["attribute"] != "")])
        if not single.empty:
            drawings[figure_name("attributes", dataset, datasets)] = partial(plots.attribute_dots, single, models)
        if not (pairs := tables.trade_off(rows[rows["dataset"] == dataset])).empty:
            marked = [metric for of, metric in tables.unusable(rows) if of == dataset]
            drawings[figure_name("trade-off", dataset, datasets)] = partial(plots.distance_pairs, pairs, models, marked)
    if drawn := _rulers(folder, rows):
        drawings["rulers"] = partial(plots.ruler_curves, drawn)
    if (rows["direction"] != "none").any():
        drawings["metrics"] = partial(plots.metric_dots, rows, models)
    return drawings


def _rulers(folder: StudyFolder, rows: pd.DataFrame) -> list[tuple[Ruler, dict[str, float]]]:
    """Each ruler that numbers are read on, with the models' mean distances."""
    summary = tables.summarise(tables.overall(rows))
    found = [(ruler, tables.distances_on(ruler, summary)) for ruler in folder.rulers()]
    return [(ruler, distances) for ruler, distances in found if distances]


def image_figures(folder: StudyFolder) -> dict[str, Drawing]:
    """Samples on the same codes, reconstructions of the same images, and exhibits of images.

    Each model shows its first seed that has any.
    """
    models = list(dict.fromkeys(run.record().label for run in folder.shown()))
    return {**_sheets_of(folder, models), **exhibit_figures(folder, OfImages, taken=OWN)}


def _sheets_of(folder: StudyFolder, models: Sequence[str]) -> dict[str, Drawing]:
    """Sheets of each data set, from the images of each model's first run that kept any."""
    kept: dict[str, dict[str, Images]] = {}
    for run in folder.shown():
        of_dataset = kept.setdefault(run.record().dataset, {})
        if run.record().label not in of_dataset and (images := run.images()):
            of_dataset[run.record().label] = images
    return {
        figure_name(name, dataset, kept): drawing
        for dataset, of_dataset in kept.items()
        for name, drawing in _sheets(of_dataset, models).items()
    }


GRADIENT, QUIET = "gradient of ", ("moves of ", "weight of ")
"""Prefixes of terms in the history: those with a figure of their own, and those left out where they never change."""


def _curves(history: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Figure → its part of the history: all terms, moves and weights only where they change; the gradients of terms."""
    gradients, values = history["term"].str.startswith(GRADIENT), history.groupby("term")["value"]
    constant = values.transform("min") == values.transform("max")
    pulls = history[gradients].assign(term=lambda rows: rows["term"].str.removeprefix(GRADIENT))
    terms = history[~gradients & ~(history["term"].str.startswith(QUIET) & constant)]
    return {"learning-curves": terms, **({} if pulls.empty else {"gradients": pulls})}


def _with_ceiling(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of metrics that have a ceiling to compare with; panels of all metrics would be too many."""
    having = rows.loc[rows["ceiling"].notna() & (rows["direction"] == "higher"), "metric"].unique()
    return rows[rows["metric"].isin(having)]


def _sheets(kept: Mapping[str, Images], models: Sequence[str]) -> dict[str, Drawing]:
    """Samples and reconstructions on one data set, of the images of each model."""
    if not kept:
        return {}
    originals = next(iter(kept.values()))["originals"]
    samples = {model: images["samples"] for model, images in kept.items()}
    drawings: dict[str, Drawing] = {
        "samples": partial(plots.sample_sheet, samples, real=originals, models=models),
    }
    if rebuilt := {model: images["reconstructions"] for model, images in kept.items() if "reconstructions" in images}:
        drawings["reconstructions"] = partial(plots.reconstruction_sheet, originals, rebuilt, models=models)
    return drawings
