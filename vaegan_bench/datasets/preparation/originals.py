"""Images at their own size, all in memory; read in parallel processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vaegan_bench.datasets.preparation.decoding import decoded
from vaegan_bench.datasets.preparation.reading import Read, read_each, refuse_many
from vaegan_bench.datasets.preparation.sources import Source
from vaegan_bench.datasets.preparation.treatment import Pixels
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

    Raises `DataError` where an image has another size than the first, where more than 1 % cannot be read, or all.
    """
    found: Pixels | None = None
    names, left_out = list[str](), dict[str, str]()
    for done, read in enumerate(_read_all(sources, what, workers or useful_workers(len(sources), WORTH)), 1):
        name = sources[read.place].name
        if read.made is None:
            left_out[name] = read.reason
            refuse_many(left_out, done, len(sources), what)
        else:
            if found is None:
                found = np.empty((len(sources), *read.made.shape), np.uint8)
            if read.made.shape != found.shape[1:]:
                raise DataError(f"{what}: {_of_two_sizes(name, read.made.shape, names[0], found.shape[1:])}")
            found[len(names)] = read.made
            names.append(name)
        if done % PART == 0 or done == len(sources):
            progress(f"reading images of {what}", done, len(sources))
    assert found is not None, "a folder of which no image can be read is refused"
    return Originals(found[: len(names)], left_out)


def pixels_of(content: bytes) -> Pixels:
    """The image of a file; (3, H, W)."""
    return np.ascontiguousarray(np.asarray(decoded(content)).transpose(2, 0, 1))


def _read_all(sources: Sequence[Source], what: str, workers: int) -> Iterator[Read[Pixels]]:
    """What became of each source, in their order."""
    tasks = [sources[i : i + PART] for i in range(0, len(sources), PART)]
    with crew(workers, what) as spread:
        for start, part in zip(range(0, len(sources), PART), spread(_read_part, tasks), strict=True):
            for read in part:
                yield read._replace(place=start + read.place)


def _read_part(sources: Sequence[Source]) -> list[Read[Pixels]]:
    return sorted(read_each(sources, pixels_of), key=lambda read: read.place)


def _of_two_sizes(name: str, shape: tuple[int, ...], first: str, first_shape: tuple[int, ...]) -> str:
    (_, height, width), (_, first_height, first_width) = shape, first_shape
    sizes = f"{name} has {width}×{height} pixels, and {first} has {first_width}×{first_height}"
    return f"{sizes}: all images of a folder must have one size."
