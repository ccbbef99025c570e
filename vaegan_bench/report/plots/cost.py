"""Quality against cost: a dot per model, and a line through the models that no other dominates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vaegan_bench.report.plots.legend import dot_handle, legend_above
from vaegan_bench.report.plots.style import MUTED, blank, looks, nothing, styled

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

    `models` fixes colours and markers; by default the order of `points`.
    """
    if not points:
        return nothing("No model has both numbers.")
    figure, order = blank(WIDTH, HEIGHT), [*models, *points]
    ax = figure.subplots()
    along = sorted(points[model] for model in front)
    ax.plot([x for x, _ in along], [y for _, y in along], color=MUTED, linewidth=1, linestyle=(0, (2, 2)), zorder=1)
    _dots(ax, points, looks(order))
    ax.set(xlabel=axes[0], ylabel=axes[1])
    legend_above(figure, [dot_handle(model, *looks(order)[model]) for model in dict.fromkeys(order) if model in points])
    return figure


def _dots(ax: Axes, points: Mapping[str, tuple[float, float]], look: Mapping[str, tuple[str, str]]) -> None:
    for model, (cost, quality) in points.items():
        colour, marker = look[model]
        ax.scatter(
            [cost], [quality], 36, colour, marker=marker, alpha=0.8, edgecolors="white", linewidths=0.5, zorder=2
        )
    ax.margins(x=0.1, y=0.15)
    ax.set_xlim(left=0)
