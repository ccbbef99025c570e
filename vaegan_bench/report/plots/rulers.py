"""Rulers: how far each distortion is, from its mildest to its strongest level, and where models lie between them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, NullLocator, StrMethodFormatter

from vaegan_bench.report.plots.legend import caption_below
from vaegan_bench.report.plots.style import INK, MUTED, PALETTE, blank, nothing, remove, styled
from vaegan_bench.report.tables.words import number
from vaegan_bench.results.readings import CLEAR
from vaegan_bench.results.rulers import Ruler, Scale

WIDTH, HEIGHT, COLUMNS = 5.6, 3.4, 2
"""Inches of a panel, and panels side by side."""
APART = 0.055
"""The least distance between two labels, as a share of a panel's height."""
LABELS = 6.5
"""Points of the labels in a panel."""
EXPLAINED = (
    "Training images, distorted more and more, beside held-out ones. Dotted: means of models.\n"
    f"Grey: nearer than {CLEAR:g} times the distance of undistorted images, which counts as not seen."
)


@styled
def ruler_curves(rulers: Sequence[tuple[Ruler, Mapping[str, float]]]) -> Figure:
    """One panel per ruler: a line per distortion on a logarithmic axis; grey where distortions count as not seen.

    Each ruler comes with the distances of the models that can be read on it, drawn as dotted lines.
    """
    if not rulers:
        return nothing("No extractor was calibrated.")
    columns = min(COLUMNS, len(rulers))
    figure = blank(columns * WIDTH, math.ceil(len(rulers) / columns) * HEIGHT + 0.2)
    panels = figure.subplots(math.ceil(len(rulers) / columns), columns, squeeze=False).ravel().tolist()
    remove(panels[len(rulers) :])
    for ax, (ruler, distances) in zip(panels, rulers, strict=False):
        _panel(ax, ruler, distances)
    caption_below(figure, EXPLAINED)
    return figure


def _panel(ax: Axes, ruler: Ruler, models: Mapping[str, float]) -> None:
    most = max(len(scale.marks) for scale in ruler.scales)
    floor = max(ruler.floor.frechet, 1e-12)
    for colour, scale in _coloured(ruler):
        _curve(ax, scale, most, colour, floor)
    farthest = max([floor, *models.values(), *(mark.frechet for scale in ruler.scales for mark in scale.marks)])
    ax.set_yscale("log")
    ax.set_ylim(floor / 1.5, farthest * 1.6)
    ax.axhspan(floor / 1.5, CLEAR * floor, color=MUTED, alpha=0.14, linewidth=0, zorder=0)
    ax.text(most + 0.1, floor, f"training images: {number(floor)}", fontsize=LABELS, color=MUTED, va="center")
    _name_at(ax, [(scale.marks[-1].frechet, _named(scale), colour) for colour, scale in _coloured(ruler)], most + 0.1)
    for distance in models.values():
        ax.plot([0.5, most], [distance] * 2, color=MUTED, linewidth=0.6, linestyle=":", zorder=1)
    _name_at(ax, [(distance, model, INK) for model, distance in models.items()], 0.54)
    _axes(ax, ruler, most)


def _coloured(ruler: Ruler) -> list[tuple[str, Scale]]:
    return list(zip(PALETTE * 2, ruler.scales, strict=False))


def _named(scale: Scale) -> str:
    """A distortion with all of its levels: 'blur of 0.5, 1, 2, 4 px'."""
    return scale.phrase.format(", ".join(f"{mark.level:g}" for mark in scale.marks))


def _curve(ax: Axes, scale: Scale, most: int, colour: str, floor: float) -> None:
    """Draw the line of a distortion, with the strongest level at the right end, whatever the number of levels."""
    places = range(most - len(scale.marks) + 1, most + 1)
    far = [max(mark.frechet, floor / 1.5) for mark in scale.marks]
    ax.plot(places, far, color=colour, linewidth=1.4, marker="o", markersize=3)


def _name_at(ax: Axes, named: Sequence[tuple[float, str, str]], x: float) -> None:
    """Write labels beside their heights, moved apart where they would cover each other."""
    low, high = np.log(ax.get_ylim())
    ordered = sorted(named)
    heights = [(math.log(max(y, math.exp(low))) - low) / (high - low) for y, _, _ in ordered]
    for (_, text, colour), height in zip(ordered, _spread(heights), strict=True):
        y = math.exp(low + height * (high - low))
        box = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
        ax.text(x, y, text, fontsize=LABELS, color=colour, va="center", ha="left", zorder=4, bbox=box)


def _spread(heights: Sequence[float]) -> list[float]:
    """Ascending heights in [0, 1], moved at least `APART` from each other, each near its old height."""
    placed = list(heights)
    for _ in range(100):
        for i in range(1, len(placed)):
            if (missing := APART - (placed[i] - placed[i - 1])) > 0:
                placed[i - 1] -= missing / 2
                placed[i] += missing / 2
    return placed


def _axes(ax: Axes, ruler: Ruler, most: int) -> None:
    ax.set_xlim(0.5, most + 2)
    ax.set_xticks(range(1, most + 1), ["mild", *[""] * (most - 2), "strong"][-most:])
    ax.grid(visible=False, axis="x")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.set(title=f"{ruler.metric} on {ruler.dataset}", xlabel="distortion", ylabel="Fréchet distance")
