"""Images side by side, every one of their pixels a whole number of the figure's pixels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from vaegan_bench.report.plots.canvas import BAR, LINE, MARGIN, SPACE, Canvas, Images, enlarged, widest
from vaegan_bench.report.plots.style import LABEL_WIDTH, MUTED, colours, nothing, styled
from vaegan_bench.report.tables import wrapped

GAP = 2
"""Pixels between images."""
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
    columns: int = 8,
    rows: int = 4,
    real: Images | None = None,
    models: Sequence[str] = (),
) -> Figure:
    """Samples of all models, a titled panel each, from the same latents in the same places; `real` goes first.

    `models` fixes the order of colours; by default that of `by_model`.
    """
    colour = colours([*models, *by_model])
    shown = [] if real is None else [("real", MUTED, real)]
    shown += [(model, colour[model], images) for model, images in by_model.items()]
    panels = [(title, mark, grid(enlarged(images[: columns * rows]), columns)) for title, mark, images in shown]
    return _panels(panels) if panels else nothing("No samples.")


@styled
def reconstruction_sheet(
    originals: Images, by_model: Mapping[str, Images], columns: int = 12, models: Sequence[str] = ()
) -> Figure:
    """The originals, and below them what each model with an encoder makes of them.

    `models` fixes the order of colours; by default that of `by_model`.
    """
    colour = colours([*models, *by_model])
    shown = [("original", MUTED, originals), *((model, colour[model], images) for model, images in by_model.items())]
    labels = [wrapped(label, LABEL_WIDTH) for label, _, _ in shown]
    strips = [grid(enlarged(images[:columns]), columns) for _, _, images in shown]
    height, width, _ = strips[0].shape
    left = MARGIN + widest(labels) + SPACE
    canvas = Canvas(left + BAR + SPACE + width + MARGIN, 2 * MARGIN + len(shown) * (height + SPACE) - SPACE)
    for i, (label, (_, mark, _), strip) in enumerate(zip(labels, shown, strips, strict=True)):
        top = MARGIN + i * (height + SPACE)
        canvas.text(label, left - SPACE, top + height // 2, ha="right", va="center")
        canvas.marked(strip, mark, left, top)
    return canvas.figure


def _panels(panels: Sequence[tuple[str, str, Images]]) -> Figure:
    """Titled panels in as square an arrangement as fits the page's width."""
    lines = math.ceil(len(panels) / PANELS)
    columns = math.ceil(len(panels) / lines)
    height, width, _ = np.max([sheet.shape for _, _, sheet in panels], axis=0).tolist()
    titles = [wrapped(title, width // CHARACTER) for title, _, _ in panels]
    head = LINE * max(title.count("\n") + 1 for title in titles) + BAR + 2 * SPACE
    canvas = Canvas(columns * (width + MARGIN) + MARGIN, lines * (head + height + MARGIN) + MARGIN)
    for i, (title, (_, mark, sheet)) in enumerate(zip(titles, panels, strict=True)):
        left, top = MARGIN + i % columns * (width + MARGIN), MARGIN + i // columns * (head + height + MARGIN) + head
        canvas.text(title, left, top - BAR - 2 * SPACE, va="baseline")
        canvas.mark(mark, left, top - BAR - SPACE, width, BAR)
        canvas.image(sheet, left, top)
    return canvas.figure
