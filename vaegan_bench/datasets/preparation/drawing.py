"""From SVG documents to pixels, in parallel processes where that is worth it; imports no torch, so they start fast."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import resvg_py
from PIL import Image

from vaegan_bench.datasets.arrays import Pixels
from vaegan_bench.datasets.preparation.workers import crew

if TYPE_CHECKING:
    from vaegan_bench.api import Progress

Draw = Callable[[int, int], Pixels]
"""Image number i at a size, (3, size, size); it can be pickled."""
CHUNK = 40
"""Images that a worker draws before it reports; an interrupted parent waits for a few chunks."""


def rasterise(svg: str, size: int) -> Pixels:
    """The image of an SVG document without text, antialiased; (3, size, size) in [0, 255]."""
    # Fonts of the system would be loaded for every image.
    png = resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, skip_system_fonts=True)
    image = Image.open(io.BytesIO(png)).convert("RGB")
    return np.ascontiguousarray(np.asarray(image).transpose(2, 0, 1))


def scene(background: str, transform: str, artwork: str) -> str:
    """An SVG document of 64 × 64 units: `artwork`, an SVG element, is transformed on a plain background."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64" viewBox="0 0 64 64">'
        f'<rect width="64" height="64" fill="{background}"/>'
        f'<g transform="{transform}">{artwork}</g>'
        "</svg>"
    )


def draw_images(
    draw: Draw, images: int, size: int, dataset: str, words: str, progress: Progress, workers: int
) -> Pixels:
    """The first `images` images, the same for any number of worker processes; (images, 3, size, size).

    `words` is what `progress` shows. Raises `DataError` where worker processes cannot start.
    """
    drawn = np.empty((images, 3, size, size), np.uint8)
    starts = range(0, images, CHUNK)
    with crew(workers, dataset) as spread:
        progress(words, 0, images)
        for start, chunk in zip(starts, spread(partial(_chunk, draw, images, size), starts), strict=True):
            drawn[start : start + CHUNK] = chunk
            progress(words, start + len(chunk), images)
    return drawn


def _chunk(draw: Draw, images: int, size: int, start: int) -> Pixels:
    return np.stack([draw(i, size) for i in range(start, min(start + CHUNK, images))])
