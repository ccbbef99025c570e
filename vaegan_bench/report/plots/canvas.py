"""A figure measured in pixels, for images that must stay crisp."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from matplotlib.patches import Rectangle

from vaegan_bench.report.plots.style import DPI, INK, SIZE, PlainFigure, inches

Images = npt.NDArray[np.uint8]

LINE = 20
"""Pixels from one line of text to the next."""
TILE = 64
"""Smaller images are enlarged by the whole factor that brings their height nearest to this many pixels."""
BAR, SPACE, MARGIN = 5, 8, 24
"""Pixels of a colour mark, between mark and neighbours, and around panels."""


class Canvas:
    """A white figure whose pixels are counted from its top left corner."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.figure = PlainFigure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")

    def image(self, image_HWC: Images, left: int, top: int) -> None:
        """Place a grey or colour image, each of its pixels on one pixel of the figure."""
        height, width = image_HWC.shape[:2]
        box = (left / self.width, 1 - (top + height) / self.height, width / self.width, height / self.height)
        ax = self.figure.add_axes(box, frameon=False, xticks=[], yticks=[])
        ax.imshow(np.broadcast_to(image_HWC, (height, width, 3)), interpolation="nearest", aspect="auto")

    def mark(self, colour: str, left: int, top: int, width: int, height: int) -> None:
        """Place a filled rectangle."""
        corner = left / self.width, 1 - (top + height) / self.height
        size = width / self.width, height / self.height
        self.figure.add_artist(Rectangle(corner, *size, color=colour, linewidth=0, transform=self.figure.transFigure))

    def text(
        self,
        text: str,
        left: int,
        top: int,
        *,
        ha: str = "left",
        va: str = "top",
        size: float = SIZE,
        colour: str = INK,
        weight: str = "normal",
    ) -> None:
        """Place text of `size` points; `left` and `top` are where its `ha` and `va` sides are."""
        place = left / self.width, 1 - top / self.height
        self.figure.text(*place, text, ha=ha, va=va, fontsize=size, color=colour, fontweight=weight, linespacing=1.15)

    def marked_image(self, sheet_HWC: Images, colour: str, left: int, top: int) -> None:
        """Place an image behind a colour mark of its height; `left` is where the mark begins."""
        self.mark(colour, left, top, BAR, len(sheet_HWC))
        self.image(sheet_HWC, left + BAR + SPACE, top)


def enlarge(images: Images) -> Images:
    """Small images (..., H, W, C), each of their pixels repeated until they are about `TILE` pixels high."""
    factor = max(1, round(TILE / images.shape[-3]))
    return images.repeat(factor, axis=-3).repeat(factor, axis=-2)


def widest(labels: Iterable[str], size: float = SIZE, weight: str = "normal") -> int:
    """Pixels that the widest of some labels takes at `size` points."""
    return math.ceil(DPI * max(inches(label, size, weight) for label in labels))
