"""Draw many faces, in parallel processes where that is worth it; imports no torch, as `drawing`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from vaegan_bench.datasets.arrays import Pixels
from vaegan_bench.datasets.avatars.drawing import draw
from vaegan_bench.datasets.avatars.faces import random_face
from vaegan_bench.datasets.preparation.workers import crew, useful_workers

if TYPE_CHECKING:
    from vaegan_bench.api import Progress

CHUNK = 40
"""Faces that a worker draws before it reports; an interrupted parent waits for a few chunks."""
WORTH = 200
"""The number of faces that is worth the start of another process."""


def draw_gallery(faces: int, size: int, progress: Progress, workers: int | None = None) -> Pixels:
    """The first `faces` images, the same for any number of worker processes; (faces, 3, size, size).

    Raises `DataError` where worker processes cannot start.
    """
    images = np.empty((faces, 3, size, size), np.uint8)
    starts = range(0, faces, CHUNK)
    with crew(workers or useful_workers(faces, WORTH), "avatars") as spread:
        progress("drawing avatars", 0, faces)
        for start, chunk in zip(starts, spread(partial(_chunk, faces, size), starts), strict=True):
            images[start : start + CHUNK] = chunk
            progress("drawing avatars", start + len(chunk), faces)
    return images


def _chunk(faces: int, size: int, start: int) -> Pixels:
    return np.stack([draw(random_face(i), size) for i in range(start, min(start + CHUNK, faces))])
