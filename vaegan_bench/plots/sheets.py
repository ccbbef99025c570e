"""Pictures side by side, every one of their pixels a whole number of the figure's pixels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from vaegan_bench.plots.canvas import BAR, LINE, MARGIN, SPACE, Canvas, Pictures, enlarged, widest
from vaegan_bench.plots.style import LABEL_WIDTH, MUTED, colours, nothing, styled
from vaegan_bench.tables import wrapped

GAP = 2
"""Pixels between pictures."""
PANELS = 3
"""Panels of samples side by side, at most."""
CHARACTER = 11
"""Pixels of a panel's width for each character of its title."""


def grid(images: Pictures, columns: int, gap: int = GAP) -> Pictures:
    """Lay (N, H, W, C) pictures out in a white (H', W', C) sheet, row by row.

    Raises `ValueError` for no pictures.
    """
    n, height, width, channels = images.shape
    if n == 0:
        raise ValueError("A grid needs at least one picture.")
    columns = min(columns, n)
    rows = math.ceil(n / columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, channels), 255, np.uint8)
    for i, image in enumerate(images):
        top, left = i // columns * (height + gap), i % columns * (width + gap)
        sheet[top : top + height, left : left + width] = image
    return sheet


@styled
def sample_sheet(
    pictures: Mapping[str, Pictures],
    columns: int = 8,
    rows: int = 4,
    real: Pictures | None = None,
    models: Sequence[str] = (),
) -> Figure:
    """Samples of all models, a titled panel each, from the same latents in the same places; `real` goes first.

    `models` fixes the order of colours; by default that of `pictures`.
    """
    colour = colours([*models, *pictures])
    shown = [] if real is None else [("real", MUTED, real)]
    shown += [(model, colour[model], images) for model, images in pictures.items()]
    panels = [(title, mark, grid(enlarged(images[: columns * rows]), columns)) for title, mark, images in shown]
    return _panels(panels) if panels else nothing("No samples.")


@styled
def reconstruction_sheet(
    originals: Pictures, pictures: Mapping[str, Pictures], columns: int = 12, models: Sequence[str] = ()
) -> Figure:
    """The originals, and below them what each model with an encoder makes of them.

    `models` fixes the order of colours; by default that of `pictures`.
    """
    colour = colours([*models, *pictures])
    shown = [("original", MUTED, originals), *((model, colour[model], images) for model, images in pictures.items())]
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


def _panels(panels: Sequence[tuple[str, str, Pictures]]) -> Figure:
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
        canvas.picture(sheet, left, top)
    return canvas.figure
