"""Source files that only the user can fetch: where they may lie, and what to say where they do not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from vaegan_bench.system.errors import DataError


class Need(NamedTuple):
    """One file or folder that a data set cannot do without."""

    wanted: str
    """What to put there, in words: the official name, and what else will do."""
    places: Sequence[str]
    """Where it may lie below the data set's folder; the first that is there is used."""


def locate(name: str, folder: Path, needs: Sequence[Need], origin: str) -> list[Path]:
    """Where each need is met. Raises `DataError` that names all that are not, the folder, and their `origin`."""
    found = [next((folder / place for place in need.places if (folder / place).exists()), None) for need in needs]
    if missing := [need.wanted for need, path in zip(needs, found, strict=True) if path is None]:
        raise DataError(f"{name} is not complete in {folder}. Put there {'; '.join(missing)}. {origin}")
    return [path for path in found if path is not None]
