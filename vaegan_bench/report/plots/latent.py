"""Where models with an encoder keep what they know: the information in each latent dimension."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from vaegan_bench.report.plots.legend import legend_above
from vaegan_bench.report.plots.style import MUTED, blank, colours, dashes, nothing, styled

WIDTH, HEIGHT = 4.4, 2.4
"""Inches of the panel with its labels."""
COUNTED = 0.01
"""Nats of KL above which a dimension is counted, and marked by a dotted line."""
FLOOR = 1e-4
"""Nats of KL below which dimensions are drawn alike: dead."""


@styled
def latent_spectrum(kl_by_model: Mapping[str, np.ndarray], models: Sequence[str] = ()) -> Figure:
    """KL of each latent dimension in nats, (Z,) per model, from the largest to the smallest, one line per model.

    Dimensions that are dead lie on the floor of the axis. The legend counts those above 0.01 nats.
    `models` fixes the order of colours; by default that of `kl_by_model`.
    """
    order = list(dict.fromkeys([*models, *kl_by_model]))
    sorted_Z = {model: np.sort(kl_by_model[model])[::-1] for model in order if model in kl_by_model}
    if not sorted_Z:
        return nothing("No model has an encoder.")
    figure = blank(WIDTH, HEIGHT)
    ax = figure.subplots()
    lines = [_line(ax, model, kl_Z, order) for model, kl_Z in sorted_Z.items()]
    _axes(ax, max(map(len, sorted_Z.values())))
    legend_above(figure, lines)
    return figure


def _line(ax: Axes, model: str, kl_Z: np.ndarray, models: Sequence[str]) -> Line2D:
    label = f"{model}: {(kl_Z > COUNTED).sum()} of {len(kl_Z)} above {COUNTED} nats"
    [line] = ax.plot(
        np.arange(1, len(kl_Z) + 1),
        np.maximum(kl_Z, FLOOR),
        color=colours(models)[model],
        dashes=dashes(models)[model] or (None, None),
        linewidth=1.4,
        marker="o" if len(kl_Z) == 1 else "",  # one point makes no line
        clip_on=False,
        label=label,
    )
    return line


def _axes(ax: Axes, dimensions: int) -> None:
    ax.set_yscale("log")
    ax.axhline(COUNTED, color=MUTED, linewidth=0.8, linestyle=":", zorder=1)
    ax.set_ylim(bottom=FLOOR)
    ax.yaxis.set_major_locator(LogLocator())
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda kl, _: f"≤ {kl:g}" if kl <= FLOOR else f"{kl:g}"))
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True, prune="lower"))
    ax.set_xlim(1, max(dimensions, 2))
    ax.set(xlabel="latent dimension, by rank", ylabel="KL (nats)")
