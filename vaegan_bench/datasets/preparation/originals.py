"""Images at their own size, all in memory; read in parallel processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vaegan_bench.datasets.arrays import Pixels
from vaegan_bench.datasets.preparation.decoding import decode_file
from vaegan_bench.datasets.preparation.reading import Images, read_images, refuse_many
from vaegan_bench.datasets.preparation.sources import Source
from vaegan_bench.datasets.preparation.workers import crew, useful_workers
from vaegan_bench.system.errors import DataError

if TYPE_CHECKING:
    from vaegan_bench.api import Progress

PART = 50
"""Images that a process reads at a time: it holds them twice while it hands them over."""
WORTH = 500
"""Images for which a process is worth its start."""


class Originals(NamedTuple):
    """What was read."""

    pixels: Pixels
    """(N, 3, H, W), in the order of the sources."""
    left_out: dict[str, str]
    """Names of images that cannot be read → why."""


def read_originals(sources: Sequence[Source], what: str, progress: Progress, workers: int | None = None) -> Originals:
    """All images that can be read, which must have one size.

    Raises `DataError` where an image has another size than the first, and where more than 1 % cannot be read.
    """
    pixels: Pixels | None = None
    names, left_out = list[str](), dict[str, str]()
    tasks = [sources[i : i + PART] for i in range(0, len(sources), PART)]
    with crew(workers or useful_workers(len(sources), WORTH), what) as spread:
        for made, unreadable in spread(_read_part, tasks):
            left_out.update(unreadable)
            done = len(names) + len(made) + len(left_out)
            refuse_many(left_out, done, len(sources), what)
            for name, image in made.items():
                if pixels is None:
                    pixels = np.empty((len(sources), *image.shape), np.uint8)
                if image.shape != pixels.shape[1:]:
                    raise DataError(f"{what}: {_of_two_sizes(name, image.shape, names[0], pixels.shape[1:])}")
                pixels[len(names)] = image
                names.append(name)
            progress(f"reading images of {what}", done, len(sources))
    assert pixels is not None, "a folder of which no image can be read is refused"
    return Originals(pixels[: len(names)], left_out)


def _read_part(sources: Sequence[Source]) -> Images:
    return read_images(sources, pixels_of)


def pixels_of(content: bytes) -> Pixels:
    """The image of a file; (3, H, W)."""
    return np.ascontiguousarray(np.asarray(decode_file(content)).transpose(2, 0, 1))


def _of_two_sizes(name: str, shape: tuple[int, ...], first: str, first_shape: tuple[int, ...]) -> str:
    (_, height, width), (_, first_height, first_width) = shape, first_shape
    sizes = f"{name} has {width}×{height} pixels, and {first} has {first_width}×{first_height}"
    return f"{sizes}: all images of a folder must have one size."
