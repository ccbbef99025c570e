"""Images side by side, every one of their pixels a whole number of the figure's pixels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from vaegan_bench.report.plots.canvas import BAR, LINE, MARGIN, SPACE, Canvas, Images, enlarge, widest
from vaegan_bench.report.plots.style import LABEL_WIDTH, MUTED, colours, in_order, nothing, styled
from vaegan_bench.report.tables import wrap_label
from vaegan_bench.system.errors import one_line
from vaegan_bench.system.exhibits import ImageSheet

GAP = 2
"""Pixels between images."""
COLUMNS, MOST = 8, 32
"""Images of a panel side by side, and in all, at most."""
PANELS = 3
"""Panels of samples side by side, at most."""
CHARACTER = 11
"""Pixels of a panel's width for each character of its title."""


def grid(images: Images, columns: int, gap: int = GAP) -> Images:
    """Lay (N, H, W, C) images out in a white (H', W', C) sheet, row by row.

    Raises `ValueError` for no images.
    """
    n, height, width, channels = images.shape
    if n == 0:
        raise ValueError("A grid needs at least one image.")
    columns = min(columns, n)
    rows = math.ceil(n / columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, channels), 255, np.uint8)
    for i, image in enumerate(images):
        top, left = i // columns * (height + gap), i % columns * (width + gap)
        sheet[top : top + height, left : left + width] = image
    return sheet


@styled
def sample_sheet(
    by_model: Mapping[str, Images],
    columns: int = COLUMNS,
    rows: int = MOST // COLUMNS,
    real: Images | None = None,
    models: Sequence[str] = (),
) -> Figure:
    """Samples of all models, a titled panel each, from the same latents in the same places; `real` goes first.

    `models` fixes the order of colours; by default that of `by_model`.
    """
    colour = colours([*models, *by_model])
    shown = [] if real is None else [("real", MUTED, real)]
    shown += [(model, colour[model], images) for model, images in by_model.items()]
    panels = [(title, mark, grid(enlarge(images[: columns * rows]), columns)) for title, mark, images in shown]
    return _panels(panels) if panels else nothing("No samples.")


@styled
def image_sheet(by_model: Mapping[str, ImageSheet], models: Sequence[str] = ()) -> Figure:
    """The images of each model, a panel each, below a common title that says what they are.

    `models` fixes the order of panels and colours; by default that of `by_model`.
    """
    shown, colour = in_order(by_model, models), colours([*models, *by_model])
    if not shown:
        return nothing("No model has such images.")
    sheets = {model: grid(enlarge(each.images_NHWC[:MOST]), COLUMNS) for model, each in shown.items()}
    panels = [(model, colour[model], sheet) for model, sheet in sheets.items()]
    return _panels(panels, next(iter(shown.values())).title)


@styled
def reconstruction_sheet(
    originals: Images, by_model: Mapping[str, Images], columns: int = 12, models: Sequence[str] = ()
) -> Figure:
    """The originals, and below them their reconstructions by each model with an encoder.

    `models` fixes the order of colours; by default that of `by_model`.
    """
    colour = colours([*models, *by_model])
    shown = [("original", MUTED, originals), *((model, colour[model], images) for model, images in by_model.items())]
    labels = [wrap_label(label, LABEL_WIDTH) for label, _, _ in shown]
    strips = [grid(enlarge(images[:columns]), columns) for _, _, images in shown]
    height, width, _ = strips[0].shape
    left = MARGIN + widest(labels) + SPACE
    canvas = Canvas(left + BAR + SPACE + width + MARGIN, 2 * MARGIN + len(shown) * (height + SPACE) - SPACE)
    for i, (label, (_, mark, _), strip) in enumerate(zip(labels, shown, strips, strict=True)):
        top = MARGIN + i * (height + SPACE)
        canvas.text(label, left - SPACE, top + height // 2, ha="right", va="center")
        canvas.marked_image(strip, mark, left, top)
    return canvas.figure


def _panels(panels: Sequence[tuple[str, str, Images]], title: str = "") -> Figure:
    """Titled panels in as square an arrangement as fits the page's width, below a common title."""
    lines = math.ceil(len(panels) / PANELS)
    columns = math.ceil(len(panels) / lines)
    height, width, _ = np.max([sheet.shape for _, _, sheet in panels], axis=0).tolist()
    labels = [wrap_label(model, width // CHARACTER) for model, _, _ in panels]
    width = max(width, widest(labels))
    head = LINE * max(label.count("\n") + 1 for label in labels) + BAR + 2 * SPACE
    above = MARGIN + (LINE + SPACE if title else 0)
    wide = max(columns * (width + MARGIN), widest([one_line(title)]) + MARGIN) + MARGIN
    canvas = Canvas(wide, above + lines * (head + height + MARGIN))
    if title:
        canvas.text(one_line(title), MARGIN, MARGIN)
    for i, (label, (_, mark, sheet)) in enumerate(zip(labels, panels, strict=True)):
        left, top = MARGIN + i % columns * (width + MARGIN), above + i // columns * (head + height + MARGIN) + head
        canvas.text(label, left, top - BAR - 2 * SPACE, va="baseline")
        canvas.mark(mark, left, top - BAR - SPACE, width, BAR)
        canvas.image(sheet, left, top)
    return canvas.figure
