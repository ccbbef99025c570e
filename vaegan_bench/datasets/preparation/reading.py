"""Image files one after the other: what became of each, and how many may be damaged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from operator import attrgetter
from typing import NamedTuple

from vaegan_bench.datasets.arrays import Pixels
from vaegan_bench.datasets.preparation.sources import Source, content_of, open_archive
from vaegan_bench.system.errors import DataError

NAMED = 3
"""How many unreadable images an error names."""


class Images(NamedTuple):
    """What became of some image files."""

    made: dict[str, Pixels]
    """What was made of those that can be read, by their names, in the order of the sources."""
    unreadable: dict[str, str]
    """Names of the others → why."""


def read_images(sources: Sequence[Source], make: Callable[[bytes], Pixels]) -> Images:
    """`make` of the content of every source that can be read."""
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
                unreadable[source.name] = _reason(error)
    return Images({source.name: made[source.name] for source in sources if source.name in made}, unreadable)


def refuse_many(unreadable: Mapping[str, str], done: int, total: int, what: str) -> None:
    """Raise `DataError` where more than one of `total` images in a hundred cannot be read; `done` were tried."""
    if len(unreadable) * 100 > total:
        first = "; ".join(f"{name}: {reason}" for name, reason in list(unreadable.items())[:NAMED])
        many = f"{len(unreadable)} of the first {done} images of {what} cannot be read, over 1 % of all {total}"
        raise DataError(f"{many}: {first}. Replace or remove them.")


def _reason(error: Exception) -> str:
    """An error in one line, without the path, which the image's name stands for."""
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(words).split())
