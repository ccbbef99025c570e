"""Draw many portraits, in parallel processes where that is worth it."""

from __future__ import annotations

from functools import partial

from vaegan_bench.api import Progress
from vaegan_bench.datasets.arrays import Pixels
from vaegan_bench.datasets.preparation.drawing import draw_images
from vaegan_bench.datasets.preparation.workers import useful_workers
from vaegan_bench_dicebear.drawing import draw
from vaegan_bench_dicebear.portraits import random_portrait

WORTH = 1000
"""The number of portraits that is worth the start of another process, which imports torch and checks the artwork."""


def draw_gallery(style: str, faces: int, size: int, progress: Progress, workers: int | None = None) -> Pixels:
    """The first `faces` portraits, the same for any number of worker processes; (faces, 3, size, size).

    Raises `DataError` where worker processes cannot start.
    """
    crew = workers or useful_workers(faces, WORTH)
    return draw_images(partial(_portrait, style), faces, size, "dicebear", f"drawing {style}", progress, crew)


def _portrait(style: str, index: int, size: int) -> Pixels:
    return draw(random_portrait(style, index), size)
