"""CelebA's two tables, as text or as csv: attributes, and which image is in which part."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from vaegan_bench.datasets.preparation.annotations import Row, by_image, rows_of
from vaegan_bench.datasets.preparation.division import Attributes
from vaegan_bench.system.errors import DataError

ATTRIBUTES = (
    *("5_o_Clock_Shadow", "Arched_Eyebrows", "Attractive", "Bags_Under_Eyes", "Bald", "Bangs", "Big_Lips", "Big_Nose"),
    *("Black_Hair", "Blond_Hair", "Blurry", "Brown_Hair", "Bushy_Eyebrows", "Chubby", "Double_Chin", "Eyeglasses"),
    *("Goatee", "Gray_Hair", "Heavy_Makeup", "High_Cheekbones", "Male", "Mouth_Slightly_Open", "Mustache"),
    *("Narrow_Eyes", "No_Beard", "Oval_Face", "Pale_Skin", "Pointy_Nose", "Receding_Hairline", "Rosy_Cheeks"),
    *("Sideburns", "Smiling", "Straight_Hair", "Wavy_Hair", "Wearing_Earrings", "Wearing_Hat", "Wearing_Lipstick"),
    *("Wearing_Necklace", "Wearing_Necktie", "Young"),
)
"""In the order of the official file."""
SIGNS = {"1": True, "-1": False}
PARTS = {"0": 0, "1": 1, "2": 2}
"""Training, validation, test."""

Places = dict[str, str]
"""Image → the file and line of its row."""


def read_attributes(path: Path) -> tuple[Places, Attributes]:
    """The images in the order of the file, and their attributes; (N, 40).

    The text form has a line with the number of images, one with the names, then a row per image; the csv form has
    `image_id` and the names in its first line. Raises `DataError`, with file and line, for anything else.
    """
    rows = rows_of(path)
    promised = None if path.suffix == ".csv" else _count(path, next(rows, None))
    columns = _columns(path, next(rows, None))
    places: Places = {}
    values = bytearray()
    for image, row in by_image(rows, 1 + len(columns)):
        places[image] = row.where
        values.extend(_signs(row, columns))
    if promised not in (None, len(places)):
        raise DataError(f"{path.name}:1: promises {promised} images, but {len(places)} rows follow.")
    return places, np.frombuffer(values, np.bool_).reshape(-1, len(ATTRIBUTES))


def read_partition(path: Path) -> tuple[Places, dict[str, int]]:
    """Where each image's row is, and its part: 0 to train on, 1 to validate on, 2 to test on."""
    rows = rows_of(path)
    header = islice(rows, 1 if path.suffix == ".csv" else 0)
    for row in header:
        if row.cells != ["image_id", "partition"]:
            raise DataError(f"{row.where}: the columns are not image_id,partition.")
    places, parts = Places(), dict[str, int]()
    for image, row in by_image(rows, 2):
        if row.cells[1] not in PARTS:
            raise DataError(f"{row.where}: {row.cells[1]} is not a part: write 0, 1 or 2.")
        places[image], parts[image] = row.where, PARTS[row.cells[1]]
    return places, parts


def _count(path: Path, row: Row | None) -> int:
    if row is None or len(row.cells) != 1 or not row.cells[0].isdigit():
        raise DataError(f"{path.name}:1: this line must be the number of images.")
    return int(row.cells[0])


def _columns(path: Path, row: Row | None) -> list[int]:
    """Where the attributes stand among the values of a row."""
    cells = row.cells if row else []
    names = cells[1:] if path.suffix == ".csv" else cells
    if missing := [name for name in ATTRIBUTES if name not in names]:
        where = row.where if row else f"{path.name}:1"
        raise DataError(f"{where}: there is no column {missing[0]}; {len(missing)} of 40 are missing.")
    return [names.index(name) for name in ATTRIBUTES]


def _signs(row: Row, columns: list[int]) -> Iterator[bool]:
    try:
        return iter([SIGNS[row.cells[1 + column]] for column in columns])
    except KeyError as error:
        raise DataError(f"{row.where}: {error.args[0]} is not the value of an attribute: write -1 or 1.") from error
