"""Quality against cost: a dot per model, and a line through the models that no other dominates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from vaegan_bench.report.plots.style import MUTED, blank, colours, nothing, styled

WIDTH, HEIGHT = 4.2, 2.8
"""Inches."""


@styled
def cost_front(
    points: Mapping[str, tuple[float, float]],
    front: Sequence[str],
    axes: tuple[str, str],
    models: Sequence[str] = (),
) -> Figure:
    """Model → (cost, quality), with a line through the models of the `front`; `axes` are the labels of both.

    `models` fixes the colours; by default the order of `points`.
    """
    if not points:
        return nothing("No model has both numbers.")
    figure = blank(WIDTH, HEIGHT)
    ax, colour = figure.subplots(), colours([*models, *points])
    along = sorted(points[model] for model in front)
    ax.plot([x for x, _ in along], [y for _, y in along], color=MUTED, linewidth=1, linestyle=(0, (2, 2)), zorder=1)
    for model, (cost, quality) in points.items():
        ax.scatter([cost], [quality], color=colour[model], s=36, zorder=2, label=model)
        ax.annotate(model, (cost, quality), xytext=(5, 4), textcoords="offset points", fontsize=7)
    ax.set(xlabel=axes[0], ylabel=axes[1], xlim=(0, None))
    ax.margins(x=0.25, y=0.2)
    return figure
