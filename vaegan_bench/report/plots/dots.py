"""The comparison as an image: every seed a dot, every model a line, every metric a panel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, ScalarFormatter

from vaegan_bench.report.plots.legend import caption_below
from vaegan_bench.report.plots.style import LABEL_WIDTH, MUTED, blank, colours, inches, nothing, remove, styled
from vaegan_bench.report.tables import by_protocol, overall, rank_of_family, runs, summarise, with_units, wrap_label

COLUMNS, WIDTH = (5, 4, 3), 1.8
"""Panels side by side, whichever number leaves the fewest gaps, and the inches of each."""
BETTER: dict[str, tuple[str, Literal["left", "right"]]] = {
    "higher": ("better →", "right"),
    "lower": ("← better", "left"),
}
"""Direction → what the axis says, and on which side."""
REACH = 0.6
"""How far the interval of two seeds may stretch a panel beyond its dots, as a part of their spread.

It is often ten times as wide as the seeds are apart, and would press all dots into one.
"""


class Line(NamedTuple):
    """Panels side by side, which share the labels of their models."""

    heading: str
    dataset: str
    metrics: list[str]


@styled
def metric_dots(rows: pd.DataFrame, models: Sequence[str] = ()) -> Figure:
    """One panel per metric that has a direction: seeds as dots, the mean as a tick, its 95 % t-interval as a bar.

    A dash stands where a model has no such metric. `models` fixes the order of lines and colours.
    Raises `MixedProtocolsError` where values are not comparable.
    """
    rows = by_protocol(rows)
    rows = overall(rows[np.isfinite(rows["value"].astype(float))])  # an infinite value has no place on an axis
    models = list(dict.fromkeys([*models, *rows["model"]]))
    summary = summarise(rows)
    lines = _lines(summary[summary["direction"] != "none"])
    if not lines:
        return nothing("No metric was measured.")
    figure = _resize(lines, models)
    grid = figure.subplots(len(lines), max(len(line.metrics) for line in lines), squeeze=False, sharey="row")
    for line, panels in zip(lines, grid, strict=True):
        _draw(line, panels, rows[rows["dataset"] == line.dataset], models)
    caption_below(figure, _key(summary))
    return figure


def _lines(judged: pd.DataFrame) -> list[Line]:
    """Panels in lines; every family of metrics begins a new one."""
    groups = judged.groupby(["dataset", "family"], sort=False)["metric"].unique()
    columns = min(COLUMNS, key=lambda n: sum(-len(metrics) % n for metrics in groups))
    several = judged["dataset"].nunique() > 1
    lines = []
    for dataset, of_dataset in groups.groupby("dataset", sort=False):
        families = of_dataset.droplevel("dataset").sort_index(key=lambda names: names.map(rank_of_family))
        for family, metrics in families.items():
            heading = f"{dataset}: {family}" if several else str(family).capitalize()
            parts = [list(metrics[i : i + columns]) for i in range(0, len(metrics), columns)]
            lines += [Line("" if i else heading, str(dataset), part) for i, part in enumerate(parts)]
    return lines


def _resize(lines: Sequence[Line], models: Sequence[str]) -> Figure:
    labels = [wrap_label(model, LABEL_WIDTH) for model in models]
    width = max(len(line.metrics) for line in lines) * WIDTH + max(inches(label, size=7) for label in labels)
    height = len(models) * (0.11 * max(label.count("\n") + 2 for label in labels) + 0.05) + 0.6
    return blank(width, len(lines) * height + 0.22 * sum(bool(line.heading) for line in lines) + 0.2)


def _draw(line: Line, panels: np.ndarray, rows: pd.DataFrame, models: Sequence[str]) -> None:
    summary = summarise(rows)
    for ax, metric in zip(panels, line.metrics, strict=False):
        measured = summary[summary["metric"] == metric].set_index("model")
        _panel(ax, rows[rows["metric"] == metric], measured, models)
        _axis(ax, metric, measured["units"].iloc[0], measured["direction"].iloc[0])
    panels[0].set_yticks(range(len(models)), _labels(rows, models))
    if line.heading:
        above = {"xycoords": "axes fraction", "xytext": (0, 20), "textcoords": "offset points"}
        heading = panels[0].annotate(line.heading, (0, 1), **above, fontsize=9, fontweight="bold", va="bottom")
        heading.set_in_layout(False)  # or a long one would push the panels beside it away
        panels[0].set_title(f"\n\n{panels[0].get_title(loc='left')}", fontsize=8)  # room for it all the same
    remove(panels[len(line.metrics) :])


def _panel(ax: Axes, seeds: pd.DataFrame, measured: pd.DataFrame, models: Sequence[str]) -> None:
    colour = colours(models)
    look = {"order": models, "hue": "model", "hue_order": models, "palette": colour, "legend": False}
    sns.stripplot(seeds, x="value", y="model", jitter=False, size=4, alpha=0.85, linewidth=0, ax=ax, **look)
    ax.set_ylim(len(models) - 0.5, -0.5)  # the last models keep their lines even without a value
    ax.set_xlim(_limits(seeds["value"].to_numpy(), measured))
    means, half_widths = measured["mean"].to_dict(), measured["half_width"].to_dict()
    for y, model in enumerate(models):
        if model in means:
            _bar(ax, y, means[model], half_widths[model], colour[model])
        else:
            ax.text(0.5, y, "—", color=MUTED, ha="center", va="center", transform=ax.get_yaxis_transform())


def _limits(values: np.ndarray, measured: pd.DataFrame) -> tuple[float, float]:
    """Room for all dots and all bars, but little for the bars of two seeds."""
    low, high = values.min(), values.max()
    reach = np.where(measured["seeds"] > 2, np.inf, REACH * (high - low))
    low = np.nanmin([low, *np.maximum(low - reach, measured["mean"] - measured["half_width"])])
    high = np.nanmax([high, *np.minimum(high + reach, measured["mean"] + measured["half_width"])])
    margin = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    return low - margin, high + margin


def _bar(ax: Axes, y: int, mean: float, half_width: float, colour: str) -> None:
    """The interval and its mean, with an arrowhead on the frame where the interval goes on beyond it."""
    if np.isnan(half_width):
        return
    ends = mean - half_width, mean + half_width
    ax.fill_between(ends, y - 0.16, y + 0.16, color=colour, alpha=0.22, linewidth=0, zorder=0)
    ax.plot([mean, mean], [y - 0.27, y + 0.27], color=colour, linewidth=1.5, zorder=1)
    left, right = ax.get_xlim()
    if ends[0] < left:
        ax.plot(left, y, "<", color=colour, markersize=4, clip_on=False, zorder=3)
    if ends[1] > right:
        ax.plot(right, y, ">", color=colour, markersize=4, clip_on=False, zorder=3)


def _axis(ax: Axes, metric: str, units: str, direction: str) -> None:
    text, side = BETTER[direction]
    name, protocol, differs = metric.partition(" (")  # what another protocol's name says, below the name
    ax.set_title(with_units(name, units) + protocol.replace(" ", "\n") + differs, fontsize=8)
    ax.set_ylabel("")
    ax.set_xlabel(text, loc=side, color=MUTED, fontsize=7, labelpad=1)
    ax.xaxis.set_major_locator(MaxNLocator(3))
    ax.xaxis.set_major_formatter(ScalarFormatter(useOffset=False))
    ax.grid(axis="y", visible=False)
    ax.tick_params(axis="y", length=0)


def _labels(rows: pd.DataFrame, models: Sequence[str]) -> list[str]:
    """Models, with the number of finished runs where it is not all of them."""
    stand = runs(rows).droplevel("dataset").reindex(list(models), fill_value="")
    finished = [text.partition(" (")[0] for text in stand]
    notes = [f"\n{text} runs" if " of " in text else "" for text in finished]
    return [wrap_label(model, LABEL_WIDTH) + note for model, note in zip(models, notes, strict=True)]


def _key(summary: pd.DataFrame) -> str:
    if summary["seeds"].max() == 1:
        return "dot: one seed, which has no interval     —: not measured, or no such output"
    return "dot: seed     tick: mean     bar: 95 % t-interval over seeds     —: not measured, or no such output"
