"""Images in pairs: the first image of each above the second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill

import numpy as np
from matplotlib.figure import Figure

from vaegan_bench.report.plots.canvas import BAR, MARGIN, SPACE, Canvas, Images, enlarge, widest
from vaegan_bench.report.plots.sheets import grid
from vaegan_bench.report.plots.style import LABEL_WIDTH, MUTED, colours, in_order, nothing, styled
from vaegan_bench.report.tables import wrap_label
from vaegan_bench.system.errors import one_line
from vaegan_bench.system.exhibits import ImagePairs

BETWEEN = 16
"""Pixels between the pairs of two models."""
SMALL = 7
"""Points of the text that names rows."""
NAME_WIDTH = 12
"""Characters of the name of a row on one line."""


@styled
def image_pairs(by_model: Mapping[str, ImagePairs], models: Sequence[str] = (), columns: int = 12) -> Figure:
    """Two rows per model: the first image of each pair, and below it the second.

    At most `columns` pairs are shown. `models` fixes the order of lines and colours; by default that of `by_model`.
    """
    shown, colour = in_order(by_model, models), colours([*models, *by_model])
    if not shown:
        return nothing("No model has such pairs of images.")
    sheets = {model: _pair_up(pairs.pairs_K2HWC[:columns]) for model, pairs in shown.items()}
    labels = {model: wrap_label(model, LABEL_WIDTH) for model in sheets}
    names = {model: [fill(one_line(name), NAME_WIDTH) for name in pairs.names] for model, pairs in shown.items()}
    beside = MARGIN + widest(labels.values())
    left = beside + 2 * SPACE + widest([name for both in names.values() for name in both], SMALL) + SPACE
    height, width = np.max([sheet.shape[:2] for sheet in sheets.values()], axis=0).tolist()
    canvas = Canvas(left + BAR + SPACE + width + MARGIN, 2 * MARGIN + len(sheets) * (height + BETWEEN) - BETWEEN)
    for i, (model, sheet) in enumerate(sheets.items()):
        top = MARGIN + i * (height + BETWEEN)
        canvas.text(labels[model], beside, top + height // 2, ha="right", va="center")
        _name_rows(canvas, names[model], left - SPACE, top, height)
        canvas.marked_image(sheet, colour[model], left, top)
    return canvas.figure


def _pair_up(pairs_K2HWC: Images) -> Images:
    """The first of all pairs in one row, the second below."""
    return grid(np.concatenate(enlarge(pairs_K2HWC).swapaxes(0, 1)), len(pairs_K2HWC))


def _name_rows(canvas: Canvas, names: Sequence[str], right: int, top: int, height: int) -> None:
    """Write the name of each of the two rows beside its middle."""
    for row, text in enumerate(names):
        middle = top + (2 * row + 1) * height // 4
        canvas.text(text, right, middle, ha="right", va="center", size=SMALL, colour=MUTED)
