"""Figures as images: random images to draw, what a figure looks like, and whether an image is in it."""

from __future__ import annotations

import warnings

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def some_images(n: int = 12, size: int = 32, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(n).integers(0, 256, (n, size, size, channels), dtype=np.uint8)


def pixels(figure: Figure) -> np.ndarray:
    """What the figure looks like, (H, W, 3); drawing it must not warn."""
    canvas = FigureCanvasAgg(figure)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def contains(image: np.ndarray, part: np.ndarray) -> bool:
    """Whether `part` stands somewhere in `image`, pixel by pixel."""
    height, width, _ = part.shape
    corners = np.argwhere((image == part[0, 0]).all(-1))
    return any(np.array_equal(image[y : y + height, x : x + width], part) for y, x in corners)
