"""What a data set looks like: lines of images, each named by the attribute that its images have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.figure import Figure

from vaegan_bench.report.plots.canvas import LINE, MARGIN, SPACE, Canvas, Images, enlarge, widest
from vaegan_bench.report.plots.sheets import GAP, grid
from vaegan_bench.report.plots.style import MUTED, nothing, styled
from vaegan_bench.system.errors import StoreError, one_line

SMALL = 7
"""Points of the notes."""


def figure_format(path: Path) -> str:
    """The format of a file for a figure. Raises `StoreError` for a name that ends in none that can be written."""
    form = path.suffix.lower().removeprefix(".")
    if form not in FigureCanvasBase.get_supported_filetypes() or form == "pgf":  # which needs TeX
        raise StoreError(f"Cannot write the image {path}: choose a name that ends in .png.")
    return form


class Row(NamedTuple):
    """Images side by side."""

    label: str
    note: str
    """Small text below the label."""
    images: Images


@styled
def dataset_sheet(
    title: str,
    note: str,
    images_NHWC: Images,
    has_NA: npt.NDArray[np.bool_],
    names: Sequence[str] = (),
    columns: int = 12,
    lines: int = 10,
) -> Figure:
    """The first images with each of some attributes, an attribute per line, with the share of images that have it.

    Attributes that fewer than `columns` images have are left out; of more than `lines` attributes, a subset at even
    intervals is shown. Without attributes, the first images in their order.
    """
    rows = _by_attribute(images_NHWC, has_NA, names, columns, lines) or [
        Row("", "", images_NHWC[first : first + columns])
        for first in range(0, min(len(images_NHWC), columns * lines), columns)
    ]
    return _sheet(title, note, rows) if rows else nothing("No images.")


def _by_attribute(
    images_NHWC: Images, has_NA: npt.NDArray[np.bool_], names: Sequence[str], columns: int, lines: int
) -> list[Row]:
    frequent = [a for a, count in enumerate(has_NA.sum(0)) if count >= columns]
    shown = [frequent[i * len(frequent) // lines] for i in range(lines)] if len(frequent) > lines else frequent
    return [
        Row(
            one_line(names[a]),
            f"{100 * has_NA[:, a].mean():.1f} %",
            images_NHWC[np.flatnonzero(has_NA[:, a])[:columns]],
        )
        for a in shown
    ]


def _sheet(title: str, note: str, rows: Sequence[Row]) -> Figure:
    sheets = [grid(enlarge(row.images), len(row.images)) for row in rows]
    labels = max(widest(row.label for row in rows), widest((row.note for row in rows), SMALL))
    left = MARGIN + (labels + SPACE if labels else 0)
    beside = left + widest([title]) + 2 * SPACE
    height, width = len(sheets[0]) + GAP, sheets[0].shape[1]
    head = MARGIN + LINE + SPACE
    canvas = Canvas(
        max(left + width, beside + widest([note], SMALL)) + MARGIN, head + len(rows) * height - GAP + MARGIN
    )
    canvas.text(title, left, MARGIN + LINE // 2, va="baseline")
    canvas.text(note, beside, MARGIN + LINE // 2, va="baseline", size=SMALL, colour=MUTED)
    for i, (row, sheet) in enumerate(zip(rows, sheets, strict=True)):
        _label(canvas, row, left - SPACE, head + i * height + height // 2)
        canvas.image(sheet, left, head + i * height)
    return canvas.figure


def _label(canvas: Canvas, row: Row, right: int, middle: int) -> None:
    canvas.text(row.label, right, middle, ha="right", va="bottom")
    canvas.text(row.note, right, middle + SPACE // 2, ha="right", va="top", size=SMALL, colour=MUTED)
