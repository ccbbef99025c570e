"""What figures of dots with intervals share: the limits of the axis, its better side, and arrowheads on long bars."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from vaegan_bench.report.plots.style import MUTED, plain_numbers

BETTER: dict[str, tuple[str, Literal["left", "right"]]] = {
    "higher": ("better →", "right"),
    "lower": ("← better", "left"),
}
"""Direction → the label of the axis, and its side."""
REACH = 0.6
"""How far the interval of two seeds may stretch a panel beyond its dots, as a part of their spread.

It is often ten times as wide as the distance between the seeds, and would squeeze all dots into one.
"""


def limits(points: ArrayLike, bars: pd.DataFrame, margin: float) -> tuple[float, float]:
    """The limits of an axis: room for all points and for bars from `low` to `high`, but little for bars of two `seeds`.

    `margin` is the part of the width that stays free on either side. Points and bars may be NaN.
    """
    low, high = np.nanmin(points), np.nanmax(points)
    reach = np.where(bars["seeds"] == 2, REACH * (high - low), np.inf)
    low = np.nanmin([low, *np.maximum(bars["low"], low - reach)])
    high = np.nanmax([high, *np.minimum(bars["high"], high + reach)])
    edge = margin * (high - low) or 0.05 * abs(high) or 1.0
    return low - edge, high + edge


def arrowheads(ax: Axes, y: float, bar: tuple[float, float], colour: str, size: float) -> None:
    """Draw an arrowhead on the frame at either end of a bar that extends beyond it."""
    left, right = ax.get_xlim()
    if bar[0] < left:
        ax.plot(left, y, "<", color=colour, markersize=size, clip_on=False, zorder=3)
    if bar[1] > right:
        ax.plot(right, y, ">", color=colour, markersize=size, clip_on=False, zorder=3)


def judged_axis(ax: Axes, direction: str, ticks: int) -> None:
    """Name the better side of the axis, and divide it into at most `ticks` steps; the lines of models have no marks."""
    if direction in BETTER:
        text, side = BETTER[direction]
        ax.set_xlabel(text, loc=side, color=MUTED, fontsize=7, labelpad=1)
    ax.xaxis.set_major_locator(MaxNLocator(ticks))
    plain_numbers(ax.xaxis)
    ax.grid(axis="y", visible=False)
    ax.tick_params(axis="y", length=0)
