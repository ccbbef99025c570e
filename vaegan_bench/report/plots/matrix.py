"""A number for each row and column of each model, as heat maps with one scale of colours."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from vaegan_bench.report.plots.style import blank, colours, in_order, inches, nothing, remove, styled
from vaegan_bench.report.tables import wrap_label
from vaegan_bench.system.errors import one_line
from vaegan_bench.system.exhibits import LatentVectors, Matrix

PANELS, CELL, NAME, LEAST = 2, 0.118, 6.5, 1.6
"""Heat maps side by side, at most; inches of each cell; points of the names; inches of the longer side, at least."""
CHARACTER = 0.075
"""Inches of a title for each of its characters."""
UNMEASURED = "#E3E3E3"
"""The light grey of cells that were not measured."""
TICKS = 5
"""Numbers beside the scale of colours."""


@styled
def matrices(by_model: Mapping[str, Matrix], models: Sequence[str] = ()) -> Figure:
    """A heat map per model; cells that were not measured are grey.

    `models` fixes the order of panels and colours; by default that of `by_model`. Raises `ValueError` unless all
    matrices have the same rows, columns and range.
    """
    shown, colour = in_order(by_model, models), colours([*models, *by_model])
    if not shown:
        return nothing("No model has such a matrix.")
    if len({(m.rows, m.columns, m.low, m.high) for m in shown.values()}) > 1:
        raise ValueError("the matrices of the models do not have the same rows, columns and range")
    about = next(iter(shown.values()))
    figure, panels = _panels(len(shown), about)
    for ax, (model, matrix) in zip(panels, shown.items(), strict=True):
        image = _heat_map(ax, matrix)
        _title(ax, model, colour[model], len(about.columns) * _cell(about))
    _scale(figure, image, panels[:PANELS], about)
    return figure


def latent_vectors(by_model: Mapping[str, LatentVectors], models: Sequence[str] = ()) -> Figure:
    """The cosines between the vectors of each model, as `matrices` draws them."""
    cosines = {
        model: Matrix(d.cosines(), d.names, d.names, f"cosine between two {d.quantity}s", d.quantity, d.quantity)
        for model, d in by_model.items()
    }
    return matrices(cosines, models)


def _panels(n: int, about: Matrix) -> tuple[Figure, list[Axes]]:
    columns = min(PANELS, n)
    lines = math.ceil(n / columns)
    beside, below = (max(inches(one_line(name), NAME) for name in names) for names in (about.rows, about.columns))
    width, height = (len(names) * _cell(about) for names in (about.columns, about.rows))
    figure = blank(columns * (width + 0.1) + beside + 0.9, lines * (height + below + 0.6))
    figure.set_layout_engine("compressed")  # keeps cells square
    panels = figure.subplots(lines, columns, squeeze=False, sharey=True)
    for ax in panels[:, 0]:
        ax.set_ylabel(about.row)
    remove(panels.ravel()[n:])
    return figure, panels.ravel().tolist()[:n]


def _cell(about: Matrix) -> float:
    """Inches of a cell: large enough for names, and for heat maps with few of them."""
    return max(CELL, LEAST / max(len(about.rows), len(about.columns)))


def _heat_map(ax: Axes, matrix: Matrix) -> AxesImage:
    colours_of_cells = colormaps["RdBu_r" if matrix.low < 0 < matrix.high else "Blues"]
    cells = colours_of_cells.with_extremes(bad=UNMEASURED)
    image = ax.imshow(matrix.values_RC, cmap=cells, vmin=matrix.low, vmax=matrix.high)
    ax.set_xticks(range(len(matrix.columns)), [one_line(name) for name in matrix.columns])
    ax.set_yticks(range(len(matrix.rows)), [one_line(name) for name in matrix.rows])
    ax.tick_params(length=0, labelsize=NAME, pad=2)
    ax.tick_params(axis="x", labelrotation=90)
    ax.set_xlabel(matrix.column)
    ax.grid(visible=False)
    return image


def _title(ax: Axes, model: str, colour: str, width: float) -> None:
    """The model, above a line in its colour; the heat map is `width` inches wide."""
    ax.set_title(wrap_label(model, int(width / CHARACTER)), pad=9)
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.spines.top.set(visible=True, color=colour, linewidth=2.5, position=("outward", 4))


def _scale(figure: Figure, image: AxesImage, beside: Sequence[Axes], about: Matrix) -> None:
    """Draw the scale of colours of all heat maps, beside their first line."""
    ticks = np.linspace(about.low, about.high, TICKS)
    bar = figure.colorbar(image, ax=beside, label=about.quantity, ticks=ticks, shrink=0.8, aspect=25, pad=0.02)
    bar.outline.set_visible(False)
