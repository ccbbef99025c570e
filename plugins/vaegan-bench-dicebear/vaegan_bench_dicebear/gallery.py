"""Draw many portraits, in parallel processes where that is worth it."""

from __future__ import annotations

from functools import partial

import numpy as np

from vaegan_bench.api import Progress
from vaegan_bench.datasets.arrays import Pixels
from vaegan_bench.datasets.preparation.workers import crew, useful_workers
from vaegan_bench_dicebear.drawing import draw
from vaegan_bench_dicebear.portraits import random_portrait

CHUNK = 40
"""Portraits that a worker draws before it reports."""
WORTH = 1000
"""The number of portraits that is worth the start of another process, which imports torch and checks the artwork."""


def draw_gallery(style: str, faces: int, size: int, progress: Progress, workers: int | None = None) -> Pixels:
    """The first `faces` portraits, the same for any number of worker processes; (faces, 3, size, size).

    Raises `DataError` where worker processes cannot start.
    """
    images = np.empty((faces, 3, size, size), np.uint8)
    starts, words = range(0, faces, CHUNK), f"drawing {style}"
    with crew(workers or useful_workers(faces, WORTH), "dicebear") as spread:
        progress(words, 0, faces)
        for start, chunk in zip(starts, spread(partial(_chunk, style, faces, size), starts), strict=True):
            images[start : start + CHUNK] = chunk
            progress(words, start + len(chunk), faces)
    return images


def _chunk(style: str, faces: int, size: int, start: int) -> Pixels:
    return np.stack([draw(random_portrait(style, i), size) for i in range(start, min(start + CHUNK, faces))])
