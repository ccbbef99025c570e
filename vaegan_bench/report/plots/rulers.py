"""Rulers: how far each distortion is, from its mildest to its strongest level, and where models lie between them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from vaegan_bench.report.plots.legend import caption_below
from vaegan_bench.report.plots.style import (
    INK,
    LABEL_WIDTH,
    MUTED,
    PALETTE,
    blank,
    inches,
    nothing,
    plain_numbers,
    remove,
    styled,
)
from vaegan_bench.report.tables.words import number
from vaegan_bench.results.readings import CLEAR
from vaegan_bench.results.rulers import Ruler, Scale

WIDTH, HEIGHT, COLUMNS = 5.6, 3.4, 2
"""Inches of a panel without the names of models, and panels side by side."""
INNER = 0.8
"""The share of the height that is inside the axes, at least."""
APART = 0.15
"""The least distance between two labels, in inches."""
STEP = 0.8
"""Inches between two levels of a distortion."""
LEADER = 0.3
"""Inches of the line from a model's name to its distance."""
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
    lines = math.ceil(len(rulers) / columns)
    names = max(inches(label, LABELS) for _, distances in rulers for label in ["", *_labels(distances)])
    height = max(HEIGHT, (max(len(distances) for _, distances in rulers) + 1) * APART / INNER)
    figure = blank(columns * (WIDTH + names), lines * height + 0.2)
    panels = figure.subplots(lines, columns, squeeze=False).ravel().tolist()
    remove(panels[len(rulers) :])
    for ax, (ruler, distances) in zip(panels, rulers, strict=False):
        _panel(ax, ruler, distances, names, APART / (INNER * height))
    caption_below(figure, EXPLAINED)
    return figure


def _panel(ax: Axes, ruler: Ruler, models: Mapping[str, float], names: float, apart: float) -> None:
    """`names`: inches of the models' names; `apart`: the least share of the height between two labels."""
    most, floor = max(len(scale.marks) for scale in ruler.scales), max(ruler.floor.frechet, 1e-12)
    ends = [(scale.marks[-1].frechet, _named(scale), colour) for colour, scale in _coloured(ruler)]
    for colour, scale in _coloured(ruler):
        _curve(ax, scale, most, colour, floor)
    _heights(ax, ruler, models, floor)
    _name_at(ax, [*ends, (floor, f"training images: {number(floor)}", MUTED)], most + 0.1, apart)
    _axes(ax, ruler, most, left=_lines(ax, models, most, names, apart) if models else 0.5)


def _heights(ax: Axes, ruler: Ruler, models: Mapping[str, float], floor: float) -> None:
    """A logarithmic axis with room for all distances, grey where they count as not seen."""
    seen = [mark.frechet for scale in ruler.scales for mark in scale.marks]
    nearest = min([floor, *(distance for distance in models.values() if distance > 0)]) / 1.5
    ax.set_yscale("log")
    ax.set_ylim(nearest, max([floor, *models.values(), *seen]) * 1.6)
    ax.axhspan(nearest, CLEAR * floor, color=MUTED, alpha=0.14, linewidth=0, zorder=0)


def _lines(ax: Axes, models: Mapping[str, float], most: int, names: float, apart: float) -> float:
    """Draw the lines of models, with their names left of all curves; return the left end of the axis."""
    left = 0.95 - (names + LEADER) / STEP
    for distance in models.values():
        ax.plot([1, most], [distance] * 2, color=MUTED, linewidth=0.6, linestyle=":", zorder=1)
    named = [(y, label, INK) for label, y in zip(_labels(models), models.values(), strict=True)]
    _name_at(ax, named, left + 0.05, apart, names / STEP)
    return left


def _labels(models: Mapping[str, float]) -> list[str]:
    """The name of each model, shortened if need be, with its distance."""
    return [f"{m if len(m) <= LABEL_WIDTH else f'{m[:LABEL_WIDTH]}…'} {number(y)}" for m, y in models.items()]


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


def _name_at(
    ax: Axes, named: Sequence[tuple[float, str, str]], x: float, apart: float, leader: float | None = None
) -> None:
    """Write labels beside their heights, moved apart where they would cover each other.

    With a `leader`, lines lead from there, so far right of `x`, to the heights of labels that were moved.
    """
    low, high = np.log(ax.get_ylim())
    ordered = sorted(named)
    heights = [(math.log(max(y, math.exp(low))) - low) / (high - low) for y, _, _ in ordered]
    for (y, text, colour), height in zip(ordered, _spread(heights, apart), strict=True):
        beside = math.exp(low + height * (high - low))
        box = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
        ax.text(x, beside, text, fontsize=LABELS, color=colour, va="center", ha="left", zorder=4, bbox=box)
        if leader is not None:
            ax.plot([x + leader, x + leader + LEADER / STEP], [beside, y], color=MUTED, linewidth=0.5, zorder=1)


def _spread(heights: Sequence[float], apart: float) -> list[float]:
    """Ascending heights in [0, 1], moved at least `apart` from each other where there is room, each near its place."""
    low, high = apart / 2, 1 - apart / 2
    apart = min(apart, (high - low) / max(len(heights) - 1, 1))
    placed = list(heights)
    for _ in range(100):
        for i in range(1, len(placed)):
            if (missing := apart - (placed[i] - placed[i - 1])) > 0:
                placed[i - 1] -= missing / 2
                placed[i] += missing / 2
        placed = [
            min(max(height, low + i * apart), high - (len(placed) - 1 - i) * apart) for i, height in enumerate(placed)
        ]
    return placed


def _axes(ax: Axes, ruler: Ruler, most: int, left: float) -> None:
    ax.set_xlim(left, most + 2)
    ax.set_xticks(range(1, most + 1), ["mild", *[""] * (most - 2), "strong"][-most:])
    ax.grid(visible=False, axis="x")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_minor_locator(NullLocator())
    plain_numbers(ax.yaxis)
    ax.set(title=f"{ruler.metric} on {ruler.dataset}", xlabel="distortion", ylabel="Fréchet distance")
