"""The tables beside images: where they are, and the attributes that one of them gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from vaegan_bench.datasets.preparation.annotations import Row, by_image, match, numbers, rows_of
from vaegan_bench.datasets.preparation.division import Attributes, Scores
from vaegan_bench.system.errors import DataError

ATTRIBUTES = "attributes.csv"
CODES = ({0, 1}, {-1, 1})
"""The values of a column whose meaning is no and yes."""
WORDS = ({"no": "0", "yes": "1"}, {"false": "0", "true": "1"})
"""Words that such a column may hold instead, in upper or lower case, and their codes."""


class Annotated(NamedTuple):
    """The attributes of images."""

    names: tuple[str, ...]
    has_NA: Attributes
    scores_NA: Scores | None
    """The values of the attributes; None where all are yes or no."""


def table_at(folder: Path, name: str) -> Path | None:
    """The table of that name, in capitals or not; None where there is none. Raises `DataError` where there are two."""
    found = sorted(path for path in folder.iterdir() if path.name.casefold() == name)
    if len(found) > 1:
        raise DataError(f"{folder} holds both {found[0].name} and {found[1].name}: remove one.")
    return found[0] if found else None


def match_images(rows: Mapping[str, Row], names: Sequence[str], table: str, folder: Path) -> None:
    """Demand a row for every image, and an image for every row. Raises `DataError` for the first missing one."""
    match({name: row.where for name, row in rows.items()}, names, table, str(folder))


def attributes_of(folder: Path, everything: Sequence[str], names: Sequence[str]) -> Annotated:
    """The attributes of the images `names`, from a table that lists `everything` in the folder.

    Raises `DataError` for a table that cannot be understood, and names the line or the column.
    """
    path = table_at(folder, ATTRIBUTES)
    if path is None:
        return Annotated((), np.zeros((len(names), 0), np.bool_), None)
    rows = rows_of(path)
    header = [cell.strip() for cell in next(rows, Row(path.name, [""])).cells[1:]]
    if "" in header:
        raise DataError(f"{path.name}:1: column {header.index('') + 2} has no name.")
    if twice := [name for name in header if header.count(name) > 1]:
        raise DataError(f"{path.name}:1: two columns are called {twice[0]}.")
    found = dict(by_image(rows, 1 + len(header)))
    match_images(found, everything, path.name, folder)
    read = _in_numbers([found[name] for name in names], len(header))
    values_NA = np.array([numbers(row) for row in read], np.float32).reshape(len(names), -1)
    coded = [_is_coded(column, f"{path.name}: column {name}") for name, column in zip(header, values_NA.T, strict=True)]
    return Annotated(tuple(header), values_NA > 0, None if all(coded) else values_NA)


def constant(annotated: Annotated) -> Iterator[str]:
    """A note on attributes that every image has, and one on those that no image has."""
    every_A, some_A = (np.atleast_1d(found) for found in (annotated.has_NA.all(0), annotated.has_NA.any(0)))
    for what, same_A in (("every image has", every_A), ("no image has", ~some_A)):
        if names := [name for name, same in zip(annotated.names, same_A, strict=True) if same]:
            yield f"{what} {', '.join(names)}"


def _in_numbers(rows: Sequence[Row], columns: int) -> list[Row]:
    """The same rows, with 0 and 1 in columns that hold nothing but two words for no and yes."""
    cells = [[row.cells[0], *(cell.strip().casefold() for cell in row.cells[1:])] for row in rows]
    for i in range(1, columns + 1):
        held = {row[i] for row in cells}
        code = next((words for words in WORDS if held <= words.keys()), {})
        for row in cells:
            row[i] = code.get(row[i], row[i])
    return [Row(row.where, line) for row, line in zip(rows, cells, strict=True)]


def _is_coded(column_N: npt.NDArray[np.float32], where: str) -> bool:
    """Whether a column says no and yes. Raises `DataError` for any other two whole numbers."""
    held = {*column_N.tolist()}
    if any(held <= code for code in CODES):
        return True
    if len(held) == 2 and all(value.is_integer() for value in held):
        low, high = sorted(map(int, held))
        raise DataError(f"{where} holds only {low} and {high}: write 0 and 1, or −1 and 1, for no and yes.")
    return False
