"""How training went: every term of every game over the images seen."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, NullFormatter

from vaegan_bench.report.plots.legend import legend_above
from vaegan_bench.report.plots.style import MUTED, blank, colours, dashes, nothing, plain_numbers, remove, styled
from vaegan_bench.results.history import ended_early

COLUMNS, WIDTH, HEIGHT = 3, 2.7, 1.9
"""Panels side by side, and the inches of each."""
POINTS = 100
"""Points per line beyond which neighbours are averaged."""
WIDE = 10
"""The ratio of the largest to the usual value from which a linear axis hides the usual values."""


@styled
def learning_curves(history: pd.DataFrame, models: Sequence[str] = ()) -> Figure:
    """One panel per term: seeds as thin lines, their mean as a thick one, × where a run ended early.

    All runs must share one budget. Those that ended early do not enter the mean, which would jump where they leave.
    `models` fixes the order of colours; by default the order of first appearance.
    """
    history = history[np.isfinite(history["value"])]
    if history.empty:
        return nothing("No training was logged.")
    order = list(dict.fromkeys([*models, *history["model"]]))
    early = ended_early(history)
    terms = history.groupby("term", sort=False)
    figure, panels = _panels(len(terms))
    for ax, (term, curves) in zip(panels, terms, strict=True):
        _panel(ax, _thin(curves), early, order)
        ax.set(title=term, ylabel="")
    _legend(figure, [model for model in order if model in set(history["model"])], order, early=bool(early))
    return figure


def _panels(n: int) -> tuple[Figure, list[Axes]]:
    columns = min(COLUMNS, n)
    lines = math.ceil(n / columns)
    figure = blank(max(columns, 2) * WIDTH, lines * HEIGHT + 0.3)
    panels = figure.subplots(lines, columns, squeeze=False).ravel().tolist()
    remove(panels[n:])
    return figure, panels[:n]


def _thin(curves: pd.DataFrame) -> pd.DataFrame:
    """Neighbours averaged where there are more than a panel can show."""
    if curves.groupby("run").size().max() <= POINTS:
        return curves
    place = (curves["images"] * POINTS / curves["images"].max()).astype(int).rename("place")
    means: pd.DataFrame = curves.groupby(["run", "model", place], sort=False)[["images", "value"]].mean()
    return means.reset_index()


def _panel(ax: Axes, curves: pd.DataFrame, early: set[str], models: Sequence[str]) -> None:
    ended = curves["run"].isin(early)
    # A run that diverged must not stretch the axis until nothing else can be seen.
    framing, framed = (curves, curves[:0]) if ended.all() else (curves[~ended], curves[ended])
    _scale(ax, framing["value"].to_numpy())
    _lines(ax, framing, models, units="run", estimator=None, linewidth=0.6, alpha=0.4)
    _lines(ax, curves[~ended], models, estimator="mean", errorbar=None, linewidth=1.4)
    single = framing[framing.groupby("run")["images"].transform("size") == 1]
    _lines(ax, single, models, units="run", estimator=None, marker="o", linewidth=0)  # one point makes no line
    limits = ax.get_ylim()
    _lines(ax, framed, models, units="run", estimator=None, linewidth=0.6, alpha=0.8)
    ax.set_ylim(limits)
    _ends(ax, curves[ended], models)
    ax.xaxis.set_major_locator(MaxNLocator(4))
    ax.xaxis.set_major_formatter(EngFormatter(sep=""))
    ax.set_xlabel("images seen", labelpad=1)


def _ends(ax: Axes, curves: pd.DataFrame, models: Sequence[str]) -> None:
    """Draw an × at the end of each run, on the frame where the end lies outside."""
    last = curves.sort_values("images").groupby("run").last()
    for images, value, model in zip(last["images"], last["value"], last["model"], strict=True):
        inside = np.clip(value, *ax.get_ylim())
        ax.plot(images, inside, "x", color=colours(models)[model], markersize=5, clip_on=False, zorder=5)


def _lines(ax: Axes, curves: pd.DataFrame, models: Sequence[str], **kind: object) -> None:
    if curves.empty:
        return
    sns.lineplot(
        curves, x="images", y="value", ax=ax, legend=False,
        hue="model", palette=colours(models), style="model", dashes=dashes(models), **kind,
    )  # fmt: skip


def _scale(ax: Axes, values: np.ndarray) -> None:
    """Make the axis logarithmic where a linear one hides the usual values; linear around zero where signs change."""
    size = np.abs(values)
    usual = float(np.median(size)) or math.inf
    if values.min() > 0 and size.max() > WIDE * usual:
        ax.set_yscale("log")
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if size.max() < 1000 * size.min() else (1,)))
        ax.yaxis.set_minor_formatter(NullFormatter())
    elif size.max() > WIDE**2 * usual:
        ax.set_yscale("symlog", linthresh=10 ** math.ceil(math.log10(usual)))
    plain_numbers(ax.yaxis)


def _legend(figure: Figure, shown: Sequence[str], models: Sequence[str], *, early: bool) -> None:
    """Draw the legend: the models shown, and the meaning of × where there is one."""
    colour, dash = colours(models), dashes(models)
    handles = [Line2D([], [], color=colour[m], dashes=dash[m] or (None, None), linewidth=1.6, label=m) for m in shown]
    if early:
        handles.append(Line2D([], [], color=MUTED, marker="x", linestyle="", markersize=5, label="ended early"))
    legend_above(figure, handles)
