"""One legend above all panels of a figure, and one caption below them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from vaegan_bench.report.plots.style import MUTED, inches

HANDLE = 0.55
"""Inches of a line in the legend, with the space around its label."""
CAPTION, SIDES = 7, 0.3
"""Points of the caption, and inches beside it."""
LINE = 0.18
"""Inches from one line of the legend to the next."""


def dot_handle(label: str, colour: str, marker: str) -> Line2D:
    """A legend's dot."""
    return Line2D([], [], marker=marker, linestyle="", color=colour, markersize=5, label=label)


def legend_above(figure: Figure, handles: Sequence[Line2D]) -> None:
    """Name the handles above all panels, in as few lines as fit; the figure grows by them."""
    widths = [inches(str(handle.get_label())) + HANDLE for handle in handles]
    width, height = figure.get_size_inches()
    width = max(width, *widths)
    columns = _columns(widths, width)
    figure.set_size_inches(width, height + LINE * math.ceil(len(handles) / columns))
    figure.legend(handles=handles, loc="outside upper left", ncols=columns)


def caption_below(figure: Figure, text: str) -> None:
    """Explain the marks in one line below all panels; the figure grows to its width."""
    width, height = figure.get_size_inches()
    figure.set_size_inches(max(width, inches(text, CAPTION) + SIDES), height)
    figure.supxlabel(text, x=0.01, ha="left", fontsize=CAPTION, color=MUTED)


def _columns(widths: Sequence[float], width: float) -> int:
    """The largest number of columns that fits into `width` inches."""
    fitting = (n for n in range(len(widths), 1, -1) if sum(map(max, np.array_split(widths, n))) <= width)
    return next(fitting, 1)
