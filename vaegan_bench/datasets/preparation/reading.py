"""Image files one after the other: what became of each, and how many may be damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from vaegan_bench.datasets.preparation.sources import Reader, Source
from vaegan_bench.system.errors import DataError

Made = TypeVar("Made")

NAMED = 3
"""How many unreadable images an error names."""


class Read(NamedTuple, Generic[Made]):
    """What became of one image file."""

    place: int
    """Its place among the sources."""
    made: Made | None
    """None where it cannot be read."""
    reason: str = ""
    """Why it cannot."""


def read_each(sources: Sequence[Source], make: Callable[[bytes], Made]) -> Iterator[Read[Made]]:
    """`make` of the content of every source, in the order in which they lie in their files."""
    content = Reader()
    # A compressed archive can only be read forwards.
    for i in sorted(range(len(sources)), key=lambda i: (sources[i].file, sources[i].offset)):
        try:
            yield Read(i, make(content(sources[i])))
        except MemoryError:
            raise
        except Exception as error:  # Pillow's errors on damaged files are many
            yield Read(i, None, _reason(error))
    content.close()


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
