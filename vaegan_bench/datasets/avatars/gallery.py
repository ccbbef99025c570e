"""Draw many faces, in parallel processes where that is worth it; imports no torch, as `drawing`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaegan_bench.datasets.arrays import Pixels
from vaegan_bench.datasets.avatars.drawing import draw
from vaegan_bench.datasets.avatars.faces import random_face
from vaegan_bench.datasets.preparation.drawing import draw_images
from vaegan_bench.datasets.preparation.workers import useful_workers

if TYPE_CHECKING:
    from vaegan_bench.api import Progress

WORTH = 200
"""The number of faces that is worth the start of another process."""


def draw_gallery(faces: int, size: int, progress: Progress, workers: int | None = None) -> Pixels:
    """The first `faces` images, the same for any number of worker processes; (faces, 3, size, size).

    Raises `DataError` where worker processes cannot start.
    """
    crew = workers or useful_workers(faces, WORTH)
    return draw_images(_face, faces, size, "avatars", "drawing avatars", progress, crew)


def _face(index: int, size: int) -> Pixels:
    return draw(random_face(index), size)
