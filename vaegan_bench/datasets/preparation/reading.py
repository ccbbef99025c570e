"""Read image files, one after the other or in parallel, and report those that cannot be read; few may be damaged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from vaegan_bench.datasets.arrays import Pixels
from vaegan_bench.datasets.preparation.decoding import decode_file
from vaegan_bench.datasets.preparation.sources import Source, content_of, open_archive
from vaegan_bench.datasets.preparation.workers import crew, useful_workers
from vaegan_bench.system.errors import DataError, one_line

if TYPE_CHECKING:
    from vaegan_bench.api import Progress

NAMED = 3
"""How many unreadable images an error names."""
WORTH = 500
"""The number of images that is worth the start of another process."""
PART = 50
"""Images of their own size that a process reads at a time: it holds them twice while it hands them over."""
Result = TypeVar("Result", bound=tuple[*tuple[Any, ...], dict[str, str]])
"""The result of reading a part; its last entry maps the names of unreadable images to the reasons."""


class Images(NamedTuple):
    """The results of reading some image files."""

    made: dict[str, Pixels]
    """Name → the result, for images that can be read, in the order of the sources."""
    unreadable: dict[str, str]
    """Name → the reason, for the others."""


def read_images(sources: Sequence[Source], make: Callable[[bytes], Pixels]) -> Images:
    """Apply `make` to the content of every source that can be read."""
    made, unreadable = dict[str, Pixels](), dict[str, str]()
    with ExitStack() as archives:
        archive = cache(lambda file: archives.enter_context(open_archive(file)))
        # A compressed archive can only be read forwards.
        for source in sorted(sources, key=attrgetter("file", "offset")):
            try:
                made[source.name] = make(content_of(source, archive))
            except MemoryError:
                raise
            except Exception as error:  # Pillow's errors on damaged files are many
                # Without the path: the name of the source stands for it.
                reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
                unreadable[source.name] = one_line(f"{reason}")
    return Images({source.name: made[source.name] for source in sources if source.name in made}, unreadable)


def read_parts(
    read: Callable[[int, Sequence[Source]], Result],
    take: Callable[[Result], object],
    sources: Sequence[Source],
    part: int,
    doing: str,
    what: str,
    progress: Progress,
    workers: int | None,
) -> dict[str, str]:
    """`read` every part, with the place of its first image, and `take` the results in order; name → reason of failures.

    Parts are read in parallel where that is worth it. Raises `DataError` where over 1 % cannot be read.
    """
    unreadable, starts = dict[str, str](), range(0, len(sources), part)
    progress(f"{doing} {what}", 0, len(sources))
    with crew(workers or useful_workers(len(sources), WORTH), what) as spread:
        for start, result in zip(starts, spread(read, starts, [sources[i : i + part] for i in starts]), strict=True):
            unreadable.update(result[-1])
            done = min(start + part, len(sources))
            _refuse_many(unreadable, done, len(sources), what)
            take(result)
            progress(f"{doing} {what}", done, len(sources))
    return unreadable


def read_originals(
    sources: Sequence[Source], what: str, progress: Progress, workers: int | None = None
) -> tuple[Pixels, dict[str, str]]:
    """All images that can be read, (N, 3, H, W), in the order of the sources; name → reason for the others.

    Raises `DataError` where an image has another size than the first, and where more than 1 % cannot be read.
    """
    names, pixels_NCHW = list[str](), np.empty(0, np.uint8)

    def add(images: Images) -> None:
        nonlocal pixels_NCHW
        for name, image in images.made.items():
            if not names:
                pixels_NCHW = np.empty((len(sources), *image.shape), np.uint8)
            if image.shape != pixels_NCHW.shape[1:]:
                sizes = f"{name} has {_size(image)} pixels, and {names[0]} has {_size(pixels_NCHW[0])}"
                raise DataError(f"{what}: {sizes}: all images of a folder must have one size.")
            pixels_NCHW[len(names)] = image
            names.append(name)

    unreadable = read_parts(_decode_part, add, sources, PART, "reading images of", what, progress, workers)
    return pixels_NCHW[: len(names)], unreadable


def _decode_part(start: int, sources: Sequence[Source]) -> Images:
    return read_images(sources, lambda content: np.asarray(decode_file(content)).transpose(2, 0, 1))


def _size(image_CHW: Pixels) -> str:
    return f"{image_CHW.shape[2]}×{image_CHW.shape[1]}"


def _refuse_many(unreadable: Mapping[str, str], done: int, total: int, what: str) -> None:
    """Raise `DataError` where more than one of `total` images in a hundred cannot be read; `done` were tried."""
    if len(unreadable) * 100 > total:
        first = "; ".join(f"{name}: {reason}" for name, reason in list(unreadable.items())[:NAMED])
        many = f"{len(unreadable)} of the first {done} images of {what} cannot be read, over 1 % of all {total}"
        raise DataError(f"{many}: {first}. Replace or remove them.")
