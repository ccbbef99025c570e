"""Image files one after the other: what became of each, and how many may be damaged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from vaegan_bench.datasets.arrays import Pixels
from vaegan_bench.datasets.preparation.sources import Reader, Source
from vaegan_bench.system.errors import DataError

NAMED = 3
"""How many unreadable images an error names."""


class Images(NamedTuple):
    """What became of some image files."""

    made: list[Pixels]
    """What was made of those that can be read, in the order of the sources."""
    unreadable: dict[str, str]
    """Names of the others → why."""


def read_images(sources: Sequence[Source], make: Callable[[bytes], Pixels]) -> Images:
    """`make` of the content of every source that can be read."""
    content, made, unreadable = Reader(), dict[int, Pixels](), dict[str, str]()
    # A compressed archive can only be read forwards.
    for i in sorted(range(len(sources)), key=lambda i: (sources[i].file, sources[i].offset)):
        try:
            made[i] = make(content(sources[i]))
        except MemoryError:
            raise
        except Exception as error:  # Pillow's errors on damaged files are many
            unreadable[sources[i].name] = _reason(error)
    content.close()
    return Images([made[i] for i in sorted(made)], unreadable)


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
