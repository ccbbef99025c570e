"""Metrics on single attributes, as dots."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from vaegan_bench.report.plots.intervals import arrowheads, judged_axis, limits
from vaegan_bench.report.plots.legend import caption_below, legend_above
from vaegan_bench.report.plots.style import MUTED, blank, inches, looks, nothing, remove, styled
from vaegan_bench.report.tables import interval, wrap_label
from vaegan_bench.system.errors import one_line

CHARACTER = 0.075
"""Inches of a title for each of its characters."""
BAND, FLOOR = "#F6F6F6", "#B5B5B5"
"""Light greys: behind every other attribute, and of floors."""
PANELS, WIDTH = 4, 1.9
"""Panels of dots side by side, at most, and the inches of each."""
DOT, BETWEEN = 0.055, 0.06
"""Inches of a model's line within an attribute, and between two attributes."""


@styled
def attribute_dots(rows: pd.DataFrame, models: Sequence[str] = ()) -> Figure:
    """A panel per metric, a line per attribute, a dot per model: its mean over seeds with the 95 % t-interval.

    A single seed has the interval between its `low` and `high`. Attributes stand in the order of the first metric,
    the largest mean on top; ticks are the means of `ceiling` and `floor`, where there are any.
    `models` fixes the order of colours. Raises `ValueError` for rows of several data sets.
    """
    if rows["dataset"].nunique() > 1:
        raise ValueError(f"Draw one data set at a time, not {' and '.join(rows['dataset'].unique())} together.")
    # pandas does not take a column of nothing but None for numbers.
    rows = rows.astype(dict.fromkeys(("value", "low", "high", "ceiling", "floor"), float))
    rows = rows[np.isfinite(rows["value"])].drop_duplicates(["run", "metric", "attribute"])
    rows = rows.assign(attribute=rows["attribute"].map(one_line))
    if rows.empty:
        return nothing("No attribute was measured.")
    order = list(dict.fromkeys([*models, *rows["model"]]))
    shown, names = [model for model in order if model in set(rows["model"])], _order(rows)
    figure, panels = _panels(rows["metric"].nunique(), names, len(shown))
    for ax, (metric, measured) in zip(panels, rows.groupby("metric", sort=False), strict=True):
        _panel(ax, measured, names, shown, looks(order))
        ax.set_title(wrap_label(str(metric), int(WIDTH / CHARACTER)), fontsize=8)
    caption_below(figure, _key(rows))
    legend_above(figure, _handles(rows, shown, looks(order)))
    return figure


def _order(rows: pd.DataFrame) -> list[str]:
    """Attributes by the mean of the first metric, the largest first; attributes that it lacks go last."""
    first = rows[rows["metric"] == rows["metric"].iloc[0]]
    means = first.groupby(["attribute", "model"])["value"].mean().groupby("attribute").mean()
    by_mean = means.sort_values(ascending=False, kind="stable").index
    return list(dict.fromkeys([*by_mean, *rows["attribute"]]))


def _panels(n: int, names: Sequence[str], models: int) -> tuple[Figure, list[Axes]]:
    lines = math.ceil(n / PANELS)
    columns = math.ceil(n / lines)
    height = len(names) * max(models * DOT + BETWEEN, 0.15)
    figure = blank(columns * WIDTH + max(inches(name, size=7) for name in names), lines * (height + 0.6) + 0.2)
    panels = figure.subplots(lines, columns, squeeze=False, sharey=True)
    panels[0, 0].set_yticks(range(len(names)), names)
    panels[0, 0].set_ylim(len(names) - 0.5, -0.5)
    remove(panels.ravel()[n:])
    return figure, panels.ravel().tolist()[:n]


def _panel(
    ax: Axes, rows: pd.DataFrame, names: Sequence[str], models: Sequence[str], look: Mapping[str, tuple[str, str]]
) -> None:
    place = {name: y for y, name in enumerate(names)}
    for y in range(0, len(names), 2):
        ax.axhspan(y - 0.5, y + 0.5, color=BAND, linewidth=0, zorder=0)
    _ticks(ax, rows, place)
    spread = _spread(rows)
    ax.set_xlim(limits(np.concatenate([spread["mean"], rows["ceiling"], rows["floor"]]), spread, margin=0.04))
    for i, model in enumerate(models):
        of_model = spread[spread["model"] == model]
        dodge = 0.8 * ((i + 0.5) / len(models) - 0.5)
        _dots(ax, of_model, of_model["attribute"].map(place).astype(float) + dodge, *look[model])
    judged_axis(ax, rows["direction"].iloc[0], ticks=4)


def _ticks(ax: Axes, rows: pd.DataFrame, place: Mapping[str, int]) -> None:
    """Draw ticks at the mean floor and ceiling of each attribute."""
    for column, colour in (("floor", FLOOR), ("ceiling", MUTED)):
        means = rows.groupby("attribute")[column].mean().dropna()
        y = means.index.map(place).to_numpy(dtype=float)
        ax.vlines(means, y - 0.42, y + 0.42, color=colour, linewidth=1.2, zorder=1)


def _spread(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per attribute and model: its mean, the ends of its interval, and its number of seeds."""
    groups = rows.groupby(["attribute", "model"], sort=False, observed=True)
    ends = [(*key, *_interval(seeds), len(seeds)) for key, seeds in groups]
    return pd.DataFrame(ends, columns=["attribute", "model", "mean", "low", "high", "seeds"])


def _interval(seeds: pd.DataFrame) -> tuple[float, float, float]:
    """The mean, and the ends of the interval over seeds; with one seed, those of the interval within its run."""
    mean, half_width = interval(seeds["value"])
    if len(seeds) == 1:
        return mean, float(seeds["low"].iloc[0]), float(seeds["high"].iloc[0])
    return mean, mean - half_width, mean + half_width


def _dots(ax: Axes, spread: pd.DataFrame, y: pd.Series[float], colour: str, marker: str) -> None:
    """Draw dots on their bars, with an arrowhead on the frame where a bar extends beyond it."""
    ax.hlines(y, spread["low"], spread["high"], color=colour, linewidth=0.9, alpha=0.6, zorder=2)
    ax.plot(spread["mean"], y, marker, color=colour, markersize=3, markeredgewidth=0, zorder=3)
    for height, low, high in zip(y, spread["low"], spread["high"], strict=True):
        arrowheads(ax, height, (low, high), colour, size=2.5)


def _handles(rows: pd.DataFrame, models: Sequence[str], look: Mapping[str, tuple[str, str]]) -> list[Line2D]:
    dots = [(model, *look[model], 4) for model in models]
    ticks = [(column, colour, "|", 8) for column, colour in (("floor", FLOOR), ("ceiling", MUTED))]
    shown = [*dots, *(tick for tick in ticks if rows[tick[0]].notna().any())]
    return [
        Line2D([], [], color=colour, marker=marker, linestyle="", markersize=size, label=label)
        for label, colour, marker, size in shown
    ]


def _key(rows: pd.DataFrame) -> str:
    seeds = rows.groupby(["metric", "attribute", "model"]).size()
    within, over = "95 % interval within the run", "95 % t-interval over seeds"
    if seeds.max() == 1:
        return (
            f"dot: one seed     bar: {within}" if rows["low"].notna().any() else "dot: one seed, which has no interval"
        )
    return f"dot: mean over seeds     bar: {over}" + (
        f"; where there is one seed, {within}" if seeds.min() == 1 else ""
    )
