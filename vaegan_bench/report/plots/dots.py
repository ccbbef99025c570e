"""The comparison as an image: every seed a dot, every model a line, every metric a panel, headlines on top."""

from __future__ import annotations

import textwrap
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vaegan_bench.report.plots.intervals import arrowheads, judged_axis, limits
from vaegan_bench.report.plots.legend import caption_below
from vaegan_bench.report.plots.style import LABEL_WIDTH, MUTED, blank, colours, inches, nothing, remove, styled
from vaegan_bench.report.tables import (
    MARK,
    by_protocol,
    headline,
    number,
    overall,
    rank_of_family,
    runs,
    summarise,
    unusable,
    with_units,
    wrap_label,
)

COLUMNS, WIDTH = 4, 1.8
"""Panels side by side, at most, and the inches of each."""
TITLE = 25
"""Characters of a title on one line, above a panel of that width."""
HEADLINES = "Headlines"


class Line(NamedTuple):
    """Panels side by side, which share the labels of their models."""

    heading: str
    dataset: str
    metrics: list[str]


@styled
def metric_dots(rows: pd.DataFrame, models: Sequence[str] = ()) -> Figure:
    """One panel per metric that has a direction: seeds as dots, the mean as a tick, its 95 % t-interval as a bar.

    Headlines come first, then the other metrics by family. A metric whose values are all equal has no panel, the
    caption names it. A dash stands where a model has no such metric; † marks an extractor that is not usable on the
    data. `models` fixes the order of lines and colours; those without a row have no line.
    Raises `MixedProtocolsError` where values are not comparable.
    """
    rows = by_protocol(rows).reset_index(drop=True)
    look = colours([*models, *rows["model"]])
    look = {model: look[model] for model in look if model in set(rows["model"])}
    rows = overall(rows[np.isfinite(rows["value"].astype(float))])  # an infinite value has no place on an axis
    judged = rows[rows["direction"] != "none"]
    alike = _alike(judged)
    same = _same(alike, several=judged["dataset"].nunique() > 1)
    differing = judged[~pd.MultiIndex.from_frame(judged[["dataset", "metric"]]).isin(alike)]
    lines = [*_lines(differing)]
    if not lines:
        return nothing("No metric was measured." if judged.empty else same)
    labels = [_labels(group, [*look]) for _, group in rows.groupby("dataset", sort=False)]
    figure = _resize(lines, [max(of_model, key=len) for of_model in zip(*labels, strict=True)])
    grid = figure.subplots(len(lines), max(len(line.metrics) for line in lines), squeeze=False, sharey="row")
    summary = _marked(summarise(rows), unusable(rows))
    for line, panels in zip(lines, grid, strict=True):
        seeds, means = (each[each["dataset"] == line.dataset] for each in (rows, summary))
        _draw(line, panels, seeds, means, look)
    caption_below(figure, "\n".join(filter(None, [_key(differing), same])))
    return figure


def _alike(rows: pd.DataFrame) -> dict[tuple[str, str], float]:
    """(data set, metric) → its value, where there are several values and all are equal."""
    groups = rows.groupby(["dataset", "metric"], sort=False)["value"]
    found = {(str(dataset), str(metric)): values for (dataset, metric), values in groups}
    return {key: float(values.iloc[0]) for key, values in found.items() if len(values) > 1 and values.nunique() == 1}


def _lines(judged: pd.DataFrame) -> Iterator[Line]:
    """Panels in lines: those of headlines, where there are other metrics too, then those of every family."""
    leads = judged.index.isin(headline(judged).index)
    sections = judged["family"].where(~leads | leads.all(), HEADLINES)
    several = judged["dataset"].nunique() > 1
    for dataset in judged["dataset"].unique():
        of_dataset = judged[judged["dataset"] == dataset].groupby(sections, sort=False)["metric"].unique()
        for section in sorted(of_dataset.index, key=lambda name: (name != HEADLINES, rank_of_family(name))):
            metrics = _by_family(judged, of_dataset[section])
            heading = f"{dataset}: {section.lower()}" if several else section.capitalize()
            for i in range(0, len(metrics), COLUMNS):
                yield Line("" if i else heading, str(dataset), metrics[i : i + COLUMNS])


def _by_family(judged: pd.DataFrame, metrics: Sequence[str]) -> list[str]:
    """Metrics in the order of tables."""
    families = judged.drop_duplicates("metric").set_index("metric")["family"]
    return sorted(metrics, key=lambda metric: rank_of_family(families[metric]))


def _resize(lines: Sequence[Line], labels: Sequence[str]) -> Figure:
    width = max(len(line.metrics) for line in lines) * WIDTH + max(inches(label, size=7) for label in labels)
    height = len(labels) * max(0.25, 0.115 * max(label.count("\n") + 1 for label in labels) + 0.06) + 0.6
    above = 0.22 * sum(bool(line.heading) for line in lines) + 0.15 * sum(map(_tall_title, lines))
    return blank(width, len(lines) * height + above + 0.2)


def _tall_title(line: Line) -> int:
    """The number of lines beyond two of the longest title."""
    return max(0, *(_title(metric, "", "").count("\n") - 1 for metric in line.metrics))


def _marked(summary: pd.DataFrame, marked: Container[tuple[str, str]]) -> pd.DataFrame:
    """The same summary with the mark of each metric, '' for most."""
    keys = zip(summary["dataset"], summary["metric"], strict=True)
    return summary.assign(mark=[MARK if key in marked else "" for key in keys])


def _draw(line: Line, panels: np.ndarray, rows: pd.DataFrame, summary: pd.DataFrame, colour: Mapping[str, str]) -> None:
    for ax, metric in zip(panels, line.metrics, strict=False):
        measured = summary[summary["metric"] == metric].set_index("model")
        _panel(ax, rows[rows["metric"] == metric], measured, colour)
        first = measured.iloc[0]
        _axis(ax, _title(metric, first["units"], first["mark"]), first["direction"])
    panels[0].set_yticks(range(len(colour)), _labels(rows, [*colour]))
    if line.heading:
        _head(panels[: len(line.metrics)], line.heading)
    remove(panels[len(line.metrics) :])


def _head(panels: np.ndarray, text: str) -> None:
    """Write a heading above the titles of panels side by side."""
    first, lines = panels[0].get_title(loc="left"), max(ax.get_title(loc="left").count("\n") + 1 for ax in panels)
    heading = panels[0].annotate(
        text, (0, 1), xycoords="axes fraction", xytext=(0, 9 + 11 * lines), textcoords="offset points", fontsize=9,
        fontweight="bold", va="bottom",
    )  # fmt: skip
    heading.set_in_layout(False)  # or a long one would push the panels beside it away
    panels[0].set_title("\n" * (lines + 1 - first.count("\n")) + first, fontsize=8)  # but leave room for it


def _panel(ax: Axes, seeds: pd.DataFrame, measured: pd.DataFrame, colour: Mapping[str, str]) -> None:
    """`colour`: the models in the order of their lines, each with its colour."""
    models = [*colour]
    look = {"order": models, "hue": "model", "hue_order": models, "palette": dict(colour), "legend": False}
    sns.stripplot(seeds, x="value", y="model", jitter=False, size=4.5, linewidth=0.5, edgecolor="white", ax=ax, **look)
    ax.set_ylim(len(models) - 0.5, -0.5)  # the last models keep their lines even without a value
    means, half_widths = measured["mean"], measured["half_width"]
    bars = measured.assign(low=means - half_widths, high=means + half_widths)
    ax.set_xlim(limits(seeds["value"].to_numpy(), bars, margin=0.06))
    for y, model in enumerate(models):
        if model in means:
            _bar(ax, y, means[model], half_widths[model], colour[model])
        else:
            ax.text(0.5, y, "—", color=MUTED, ha="center", va="center", transform=ax.get_yaxis_transform())


def _bar(ax: Axes, y: int, mean: float, half_width: float, colour: str) -> None:
    """Draw the interval and its mean, with an arrowhead on the frame where the interval extends beyond it."""
    if np.isnan(half_width):
        return
    ends = mean - half_width, mean + half_width
    ax.fill_between(ends, y - 0.16, y + 0.16, color=colour, alpha=0.22, linewidth=0, zorder=0)
    ax.plot([mean, mean], [y - 0.27, y + 0.27], color=colour, linewidth=1.5, zorder=1)
    arrowheads(ax, y, ends, colour, size=4)


def _title(metric: str, units: str, mark: str) -> str:
    """A metric with its units and its mark, wrapped to the width of a panel; below it, how its protocol differs."""
    name, protocol, differs = metric.partition(" (")
    lines = textwrap.wrap(with_units(name, units) + mark, TITLE, break_long_words=False)
    return "\n".join(lines) + protocol.replace(" ", "\n") + differs.replace(", ", ",\n")


def _axis(ax: Axes, title: str, direction: str) -> None:
    ax.set_title(title, fontsize=8)
    ax.set_ylabel("")
    judged_axis(ax, direction, ticks=3)


def _labels(rows: pd.DataFrame, models: Sequence[str]) -> list[str]:
    """Labels of models, with the number of finished runs where some did not finish."""
    stand = runs(rows).droplevel("dataset").reindex(list(models), fill_value="")
    finished = [text.partition(" (")[0] for text in stand]
    notes = [f"\n{text} runs" if " of " in text else "" for text in finished]
    return [wrap_label(model, LABEL_WIDTH) + note for model, note in zip(models, notes, strict=True)]


def _key(rows: pd.DataFrame) -> str:
    """The meanings of the marks."""
    marks = {"dot": "seed", "tick": "mean", "bar": "95 % t-interval over seeds"}
    if rows.groupby(["dataset", "metric", "model"]).size().max() == 1:
        marks = {"dot": "one seed, which has no interval"}
    marks["—"] = "not measured, or no such output"
    if unusable(rows):
        marks[MARK.strip()] = "extractor not usable on these data"
    return "     ".join(f"{mark}: {meaning}" for mark, meaning in marks.items())


def _same(alike: Mapping[tuple[str, str], float], *, several: bool) -> str:
    """The line on metrics without a panel, which names `several` data sets; '' where every metric has one."""
    values = {
        f"{metric}{f' on {dataset}' if several else ''} ({number(value)})": None
        for (dataset, metric), value in alike.items()
    }
    return textwrap.fill(f"Equal in all runs: {', '.join(values)}", 120) if values else ""
