"""LFW's two tables: attributes with real values, and the sets of people."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from vaegan_bench.datasets.preparation.annotations import Row, by_image, rows_of
from vaegan_bench.system.errors import DataError

ATTRIBUTES = 73
Scores = dict[str, Row]
"""Image → its row."""


def read_scores(path: Path) -> tuple[tuple[str, ...], Scores]:
    """The names of the attributes, and a row of scores for each image.

    Lines that start with # are comments, and the second of them names the columns: person, number, attributes. Raises
    `DataError`, with file and line, for anything else.
    """
    comments, rows = list[Row](), list[Row]()
    for row in rows_of(path):
        (comments if row.cells[0].startswith("#") else rows).append(row)
    header = "\t".join(comments[1].cells).lstrip("#\t ").split("\t") if len(comments) > 1 else []
    if len(header) != 2 + ATTRIBUTES:
        raise DataError(f"{path.name}: its second comment does not name {ATTRIBUTES} attributes.")
    names = tuple(name.replace("'", "").replace(" ", "_") for name in header[2:])
    return names, dict(by_image(map(_by_file, rows), 1 + ATTRIBUTES))


def _by_file(row: Row) -> Row:
    """The row with the name of the image's file in place of the person and the number."""
    person, number = (*row.cells, "", "")[:2]
    if not number.isdigit():
        raise DataError(f"{row.where}: '{number}' is not the number of an image.")
    return Row(row.where, [f"{person.replace(' ', '_')}_{int(number):04}.jpg", *row.cells[2:]])


def read_people(path: Path, fold: int) -> frozenset[str]:
    """The people in set `fold` of a file: the number of sets, then each set after its number of people.

    Raises `DataError`, with file and line, for anything else.
    """
    rows = rows_of(path)
    first = next(rows, None)
    sets = list(_sets(rows))
    if first is None or first.cells != [str(len(sets))]:
        raise DataError(f"{path.name}:1: this line must be the number of sets that follow, {len(sets)}.")
    if fold > len(sets):
        raise DataError(f"{path.name} has {len(sets)} sets of people, but no set {fold}.")
    return sets[fold - 1]


def _sets(rows: Iterator[Row]) -> Iterator[frozenset[str]]:
    for row in rows:
        if len(row.cells) != 1 or not row.cells[0].isdigit():
            raise DataError(f"{row.where}: this line must be the number of people in a set.")
        people = list(islice(rows, int(row.cells[0])))
        for other in people:
            if len(other.cells) != 2:
                raise DataError(f"{other.where}: this line must be a person and a number of images.")
        if len(people) != int(row.cells[0]):
            raise DataError(f"{row.where}: promises {row.cells[0]} people, but {len(people)} follow.")
        yield frozenset(person.cells[0].replace(" ", "_") for person in people)


def person_of(image: str) -> str:
    """The person that an image shows, from the name of its file."""
    return image.rpartition("_")[0]
