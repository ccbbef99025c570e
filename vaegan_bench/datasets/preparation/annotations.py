"""Text tables about images, whose errors name the file and the line."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from vaegan_bench.system.errors import DataError

LARGEST = (2 - 2**-23) * 2.0**127
"""The largest number that 32 bits hold; a larger one would become infinite."""


class Row(NamedTuple):
    """One line of a table."""

    where: str
    """The file and the line, for errors."""
    cells: list[str]


def rows_of(path: Path) -> Iterator[Row]:
    """The lines of a table, without empty ones; cells end at commas in csv files, at tabs or else spaces in others.

    Raises `DataError` where the file cannot be read as text.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file) if path.suffix.lower() == ".csv" else map(_cells, file)
            for number, cells in enumerate(reader, 1):
                if cells:
                    yield Row(f"{path.name}:{number}", cells)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"Cannot read {path}: {error}.") from error


def _cells(line: str) -> list[str]:
    line = line.rstrip()
    return [cell.strip() for cell in line.split("\t")] if "\t" in line else line.split()


def by_image(rows: Iterable[Row], columns: int) -> Iterator[tuple[str, Row]]:
    """The rows of a table whose first cell names the image. Raises `DataError` for too few cells, or a second row."""
    seen: set[str] = set()
    for row in rows:
        image = row.cells[0]
        if len(row.cells) != columns:
            raise DataError(f"{row.where}: {len(row.cells)} columns, not {columns}.")
        if image in seen:
            raise DataError(f"{row.where}: {image} has a row already.")
        seen.add(image)
        yield image, row


def match(rows: Mapping[str, str], images: Iterable[str], table: str, home: str) -> None:
    """Demand a row for every image, and an image for every row; `rows` says where each image's row is.

    Raises `DataError` that names the first image without its counterpart, the `table`, and the `home` of the images.
    """
    known = set(images)
    if lost := [image for image in rows if image not in known]:
        counted = f"{len(lost)} of {len(rows)} are not: is it all there?"
        raise DataError(f"{rows[lost[0]]}: {lost[0]} is not in {home}; {counted}")
    if without := sorted(known - rows.keys()):
        raise DataError(f"{table} has no row for {without[0]} of {home}; {len(without)} have none.")


def numbers(row: Row) -> list[float]:
    """The numbers in all cells of a row but the first, which 32 bits can hold. Raises `DataError` for any others."""
    values = []
    for cell in row.cells[1:]:
        try:
            values.append(float(cell))
        except ValueError:
            values.append(math.nan)
        if not abs(values[-1]) <= LARGEST:  # also what is not a number
            raise DataError(f"{row.where}: '{cell}' is not a finite number of 32 bits.")
    return values
