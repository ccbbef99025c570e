"""One number per dimension, by rank: how many dimensions a model uses, and how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from vaegan_bench.report.plots.legend import legend_above
from vaegan_bench.report.plots.style import MUTED, blank, colours, dashes, in_order, nothing, styled
from vaegan_bench.system.exhibits import Array, Spectrum

WIDTH, HEIGHT = 4.4, 2.4
"""Inches of the panel with its labels."""
DEAD = 0.01
"""The share of the threshold below which dimensions are drawn alike, on the floor of the axis."""


@styled
def spectra(by_model: Mapping[str, Spectrum], models: Sequence[str] = ()) -> Figure:
    """The numbers of each model from the largest to the smallest, one line per model.

    The legend counts those above the first spectrum's threshold. `models` fixes the order of lines and colours; by
    default that of `by_model`.
    """
    ranked = {model: np.sort(each.values_Z)[::-1] for model, each in in_order(by_model, models).items()}
    if not ranked:
        return nothing("No model has such a spectrum.")
    first = next(iter(by_model.values()))
    figure = blank(WIDTH, HEIGHT)
    ax = figure.subplots()
    lines = [_line(ax, model, values_Z, first, [*models, *by_model]) for model, values_Z in ranked.items()]
    _axes(ax, [*ranked.values()], first)
    legend_above(figure, lines)
    return figure


def _line(ax: Axes, model: str, values_Z: Array, about: Spectrum, models: Sequence[str]) -> Line2D:
    counted = (values_Z > about.threshold).sum()
    [line] = ax.plot(
        np.arange(1, len(values_Z) + 1),
        np.maximum(values_Z, DEAD * about.threshold),
        color=colours(models)[model],
        dashes=dashes(models)[model] or (None, None),
        linewidth=1.4,
        marker="o" if len(values_Z) == 1 else "",  # one point makes no line
        clip_on=False,
        label=f"{model}: {counted} of {len(values_Z)} above {about.threshold:g} {about.units}",
    )
    return line


def _axes(ax: Axes, ranked: Sequence[Array], about: Spectrum) -> None:
    floor = DEAD * about.threshold
    all_count = min(values_Z.min() for values_Z in ranked) > about.threshold
    ax.set_yscale("log")
    ax.axhline(about.threshold, color=MUTED, linewidth=0.8, linestyle=":", zorder=1)
    ax.set_ylim(bottom=about.threshold / 3 if all_count else floor)  # no empty decades below lines that all count
    ax.yaxis.set_major_locator(LogLocator())
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"≤ {value:g}" if value <= floor else f"{value:g}"))
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True, prune="lower"))
    ax.set_xlim(1, max(2, *map(len, ranked)))
    ax.set(xlabel=f"{about.dimension}, by rank", ylabel=f"{about.quantity} ({about.units})")
