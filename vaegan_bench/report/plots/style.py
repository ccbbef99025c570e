"""One look for all figures: ink, type, resolution, and one colour per model."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import matplotlib
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from matplotlib.ticker import NullFormatter, StrMethodFormatter

T = TypeVar("T")
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#333333", "#7A4B1E")
"""After Okabe & Ito (2008), with brown instead of yellow, too pale on white: distinct in every colour vision."""
DASHES = ((), (4, 1.5), (1.5, 1), (6, 1, 1, 1))
"""Line styles: the next one serves each further round through the palette."""
MARKERS = "os^D"
"""Shapes of dots: the next one serves each further round through the palette."""
INK = "#262626"
MUTED = "#767676"
DPI = 150
FONT, SIZE = "DejaVu Sans", 8
"""The typeface that comes with matplotlib, and its usual size in points."""
LABEL_WIDTH = 34
"""Characters of a model's label on one line, beside its dots or its images."""

PLAIN_TEXT: dict[Any, Any] = {"text.parse_math": False, "text.usetex": False}
"""Settings for names, which users choose: a $ in them begins no formula, and an underscore no index."""

STYLE = {
    **sns.axes_style("ticks"),
    "axes.edgecolor": MUTED,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": SIZE,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 9,
    "font.family": [FONT],
    "font.size": SIZE,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.6,
    "legend.fontsize": SIZE,
    "legend.frameon": False,
    "text.color": INK,
    **PLAIN_TEXT,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 7,
    "xtick.major.size": 2.5,
    "xtick.major.width": 0.6,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 7,
    "ytick.major.size": 2.5,
    "ytick.major.width": 0.6,
}

styled = matplotlib.rc_context(STYLE)
"""A decorator for functions that draw a figure; the style holds during the call only."""


class PlainFigure(Figure):
    """A figure that notebooks show, and whose labels are plain text, also those made only when it is drawn."""

    def draw(self, renderer: RendererBase) -> None:
        """Draw all labels as plain text."""
        with matplotlib.rc_context(PLAIN_TEXT):
            super().draw(renderer)

    def _repr_png_(self) -> bytes:
        """The figure as PNG for a notebook, which by default shows only figures of pyplot."""
        image = io.BytesIO()
        self.savefig(image, format="png")
        return image.getvalue()


def in_order(by_model: Mapping[str, T], models: Sequence[str]) -> dict[str, T]:
    """The same entries in the order of `models`; models that these lack come last."""
    return {model: by_model[model] for model in dict.fromkeys([*models, *by_model]) if model in by_model}


def colours(models: Iterable[str]) -> dict[str, str]:
    """One colour per model, by order; give every figure of a study the same models to keep them."""
    return {model: PALETTE[i % len(PALETTE)] for i, model in enumerate(dict.fromkeys(models))}


def looks(models: Iterable[str]) -> dict[str, tuple[str, str]]:
    """The colour and the marker of each model: circles, until the palette starts again."""
    return {
        model: (colour, MARKERS[i // len(PALETTE) % len(MARKERS)])
        for i, (model, colour) in enumerate(colours(models).items())
    }


def dashes(models: Iterable[str]) -> dict[str, tuple[float, ...]]:
    """One line style per model: solid, until the palette starts again."""
    return {model: DASHES[i // len(PALETTE) % len(DASHES)] for i, model in enumerate(dict.fromkeys(models))}


def blank(width: float, height: float) -> Figure:
    """An empty figure of `width` × `height` inches, not registered with pyplot, so that it is freed when unused."""
    return PlainFigure(figsize=(width, height), dpi=DPI, facecolor="white", layout="constrained")


def inches(text: str, size: float = SIZE, weight: str = "normal") -> float:
    """The width of the widest line of a text, in inches."""
    font = FontProperties(family=FONT, size=size, weight=weight)
    widths = (text_to_path.get_text_width_height_descent(line, font, ismath=False)[0] for line in text.split("\n"))
    return max(map(float, widths)) / 72


def plain_numbers(axis: Axis) -> None:
    """Write the numbers of an axis in full, without a common factor at its end, which would cover its label."""
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())


def remove(axes: Iterable[Axes]) -> None:
    """Remove the panels that the last line of a grid does not need."""
    for ax in axes:
        ax.remove()


def nothing(text: str) -> Figure:
    """A figure with this text alone, for use where there is nothing to draw."""
    figure = blank(4, 0.6)
    figure.text(0.5, 0.5, text, color=MUTED, ha="center", va="center")
    return figure
