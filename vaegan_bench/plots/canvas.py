"""A figure measured in pixels, for pictures that must stay crisp."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from vaegan_bench.plots.style import DPI

Pictures = npt.NDArray[np.uint8]

LINE = 20
"""Pixels from one line of text to the next."""


class Canvas:
    """A white figure whose pixels are counted from its top left corner."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")

    def picture(self, image_HWC: Pictures, left: int, top: int) -> None:
        """Place a grey or colour picture, one of its pixels on one of the figure's."""
        height, width = image_HWC.shape[:2]
        box = (left / self.width, 1 - (top + height) / self.height, width / self.width, height / self.height)
        ax = self.figure.add_axes(box, frameon=False, xticks=[], yticks=[])
        ax.imshow(np.broadcast_to(image_HWC, (height, width, 3)), interpolation="nearest", aspect="auto")

    def mark(self, colour: str, left: int, top: int, width: int, height: int) -> None:
        """Place a filled rectangle."""
        corner = left / self.width, 1 - (top + height) / self.height
        size = width / self.width, height / self.height
        self.figure.add_artist(Rectangle(corner, *size, color=colour, linewidth=0, transform=self.figure.transFigure))

    def text(self, text: str, left: int, top: int, *, ha: str = "left", va: str = "top") -> None:
        """Place text; `left` and `top` are where its `ha` and `va` sides are."""
        self.figure.text(left / self.width, 1 - top / self.height, text, ha=ha, va=va, linespacing=1.15)
