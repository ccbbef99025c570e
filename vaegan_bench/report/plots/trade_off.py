"""Samples against reconstructions: a dot per run, its area in proportion to the cost of training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from vaegan_bench.report.plots.legend import caption_below, dot_handle, legend_above
from vaegan_bench.report.plots.style import blank, looks, nothing, plain_numbers, styled
from vaegan_bench.report.tables import MARK, number

WIDTH, HEIGHT = 3.6, 2.9
"""Inches of a panel."""
AREA = 130.0
"""Square points of the dot with the highest cost."""
PLAIN = 30.0
"""Square points of all dots where no cost is known."""


@styled
def distance_pairs(pairs: pd.DataFrame, models: Sequence[str] = (), marked: Sequence[str] = ()) -> Figure:
    """One panel per distance of `tables.trade_off`: samples (y) against reconstructions (x), both logarithmic.

    The area of a dot is the cost of a training step. A hollow dot at the right edge is a run without reconstructions.
    `models` fixes colours and markers; `marked` are distances whose extractor is not usable on the data.
    """
    if pairs.empty:
        return nothing("No distance was measured of both samples and reconstructions.")
    order = list(dict.fromkeys([*models, *pairs["model"]]))
    distances = list(dict.fromkeys(pairs["metric"]))
    figure = blank(len(distances) * WIDTH, HEIGHT)
    for ax, metric in zip(figure.subplots(1, len(distances), squeeze=False)[0], distances, strict=True):
        _panel(ax, pairs[pairs["metric"] == metric], looks(order))
        ax.set_title(metric + (MARK if metric in marked else ""))
    shown = [model for model in order if model in set(pairs["model"])]
    legend_above(figure, [dot_handle(model, *looks(order)[model]) for model in shown])
    caption_below(figure, _key(pairs, marked))
    return figure


def _panel(ax: Axes, runs: pd.DataFrame, look: Mapping[str, tuple[str, str]]) -> None:
    edge = ax.get_yaxis_transform()
    for model, of_model in runs.groupby("model", sort=False):
        colour, marker = look[str(model)]
        both = of_model.dropna(subset="reconstructions")
        areas = _areas(both["cost"], runs["cost"].max())
        ax.scatter(
            both["reconstructions"], both["samples"], areas, colour, marker=marker, alpha=0.75,
            edgecolors="white", linewidths=0.5, zorder=2,
        )  # fmt: skip
        for samples in of_model["samples"][of_model["reconstructions"].isna()]:
            ax.plot(1, samples, marker, color=colour, mfc="white", markersize=5, clip_on=False, transform=edge)
    _scale(ax)


def _scale(ax: Axes) -> None:
    """Logarithmic axes with plain numbers."""
    for axis, label in ((ax.xaxis, "of reconstructions"), (ax.yaxis, "of samples")):
        ax.set(**{f"{axis.axis_name}scale": "log", f"{axis.axis_name}label": f"{label} (less is better)"})
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        plain_numbers(axis)
    ax.margins(0.12)


def _areas(cost: pd.Series[float], dearest: float) -> np.ndarray:
    """Square points in proportion to the cost."""
    known: np.ndarray = (AREA * cost / dearest).to_numpy(dtype=float)
    return np.where(np.isfinite(known), known, PLAIN)


def _key(pairs: pd.DataFrame, marked: Sequence[str]) -> str:
    """The meanings of the marks."""
    costs = pairs["cost"].dropna()
    said = ["dot: seed"]
    if len(costs):
        said.append(f"area: operations of a training step, up to {number(round(costs.max()))} MFLOP per image")
    if pairs["reconstructions"].isna().any():
        said.append("hollow: no reconstructions")
    if marked:
        said.append(f"{MARK.strip()}: extractor not usable on these data")
    return "     ".join(said)
