"""Which images of a folder are for training and which for test, and by which rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from vaegan_bench.datasets.folder.tables import match_images, table_at
from vaegan_bench.datasets.preparation.annotations import Row, by_image, rows_of
from vaegan_bench.datasets.preparation.division import hash_of
from vaegan_bench.system.errors import DataError

SPLITS = "splits.csv"
Meaning = Literal["train", "test", "val"]
MEANINGS: Mapping[str, Meaning] = {
    "train": "train", "training": "train",
    "test": "test", "testing": "test",
    "val": "val", "valid": "val", "validation": "val",
}  # fmt: skip
"""The usual names of parts, in lower case."""
HOW_TO_SAY = f"A table {SPLITS} (file,split) can say which image is for which part."


class Parts(NamedTuple):
    """The images of both parts, by name."""

    train: list[str]
    test: list[str]
    remark: str
    """How the division came about, and what is in neither part."""


def parts_of(folder: Path, names: Sequence[str]) -> Parts:
    """The images of both parts: by splits.csv, by folders named like parts, or else by a hash of the names.

    Raises `DataError` where the table or the folders are ambiguous.
    """
    if (table := table_at(folder, SPLITS)) is not None:
        return _by_table(table, folder, names)
    tops = dict.fromkeys(name.partition("/")[0] for name in names if "/" in name)
    named = [top for top in tops if top.casefold() in MEANINGS]
    return _by_folders(folder, names, named) if named else _by_hash(names)


def _by_table(table: Path, folder: Path, names: Sequence[str]) -> Parts:
    rows = dict(by_image((row for row in rows_of(table) if _words_of(row) != ["file", "split"]), 2))
    for row in rows.values():
        if _words_of(row)[1] not in MEANINGS:
            raise DataError(f"{row.where}: '{row.cells[1]}' is none of {', '.join(MEANINGS)}.")
    match_images(rows, names, table.name, folder)
    return _divide(names, {name: MEANINGS[_words_of(rows[name])[1]] for name in names}, f"by {table.name}")


def _words_of(row: Row) -> list[str]:
    return [cell.strip().casefold() for cell in row.cells]


def _by_folders(folder: Path, names: Sequence[str], named: Sequence[str]) -> Parts:
    known: dict[Meaning, str] = {}
    for top in named:
        twin = known.setdefault(MEANINGS[top.casefold()], top)
        if twin != top:
            raise DataError(f"{folder}: {twin}/ and {top}/ mean the same part. Join them, or rename one. {HOW_TO_SAY}")
    spelled = " and ".join(f"{top}/" for top in named)
    for name in names:
        if name.partition("/")[0] not in named:
            raise DataError(f"{folder}: {name} is beside {spelled}, not in one of them. Move it. {HOW_TO_SAY}")
    meanings = {name: MEANINGS[name.partition("/")[0].casefold()] for name in names}
    if "train" not in known or len(known) == 1:
        lacking = "no test part" if "train" in known else "no train/"
        raise DataError(
            f"{folder} holds {spelled} and {lacking}: add it, or name {spelled} itself as the path. {HOW_TO_SAY}"
        )
    return _divide(names, meanings, f"by the folders {spelled}")


def _by_hash(names: Sequence[str]) -> Parts:
    ordered = sorted(names, key=hash_of)
    trained = len(ordered) - len(ordered) // 6
    return Parts(ordered[:trained], ordered[trained:], "parts by a hash of the names: the last sixth is the test part")


def _divide(names: Sequence[str], meanings: Mapping[str, Meaning], how: str) -> Parts:
    """Validation images are for test where there are no others, and otherwise in neither part."""
    found: dict[Meaning, list[str]] = {meaning: [] for meaning in MEANINGS.values()}
    for name in sorted(names, key=hash_of):
        found[meanings[name]].append(name)
    remark = f"parts {how}"
    if found["val"]:
        unused = f"{len(found['val']):,} validation images are in neither part"
        remark += f"; {unused}" if found["test"] else "; the validation images are the test part, as there is no other"
    return Parts(found["train"], found["test"] or found["val"], remark)
