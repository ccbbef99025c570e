"""Pictures of one's own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vaegan_bench.api import Data, DataError, Dataset, Progress, silent
from vaegan_bench.datasets.augmentation import Augmentation, Jitter, augmented
from vaegan_bench.datasets.preparation.annotations import Row, by_picture, match, numbers, rows_of
from vaegan_bench.datasets.preparation.array import prepare
from vaegan_bench.datasets.preparation.division import Attributes, Scores, divide
from vaegan_bench.datasets.preparation.sources import SUFFIXES, pictures_of
from vaegan_bench.datasets.preparation.treatment import Treatment
from vaegan_bench.paths import user_path

JITTER = Jitter(2 / 148, 0.01, 0.01, 0.05, 0.05, 0.01)
"""That of Larsen et al. (2016) on CelebA."""
TABLE = "attributes.csv"
SPLITS = "splits.csv"
PARTS = ("train", "test")


@dataclass(frozen=True, kw_only=True)
class Folder(Dataset):
    """All pictures under `path`, cut to their middle square and resized, antialiased bicubic; RGB, whatever they were.

    `attributes.csv` there may give attributes: a line of names, then a file's name relative to the folder with a value
    for each, 0 or 1, −1 or 1, or a real number, which is kept as a score; above 0 it holds. `splits.csv`
    (`file,split`) may say which file is for `train` or `test`; so may two folders of these names. Otherwise the last
    sixth of the files is for test, in the order of the SHA-256 of their names, so that a new file moves few others.

    What was trained on is known by content: a hash of all prepared pixels, of the attributes, and of the parts. Files
    are decoded again where a name, size or time of change is new; runs are trained again where the content is new, or
    `path` is another.
    """

    name = "folder"
    path: str = ""
    """The folder; if empty, `folder/` among the source files."""
    augmentation: Augmentation = "none"
    """'flip': mirrored with probability ½. 'paper': that, and moved and recoloured as celeba is."""

    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        """All pictures at a size, decoded at the first use."""
        folder = self._found()
        sources = {source.name: source for source in pictures_of(folder)}
        if not sources:
            raise DataError(f"{folder} holds no pictures ({', '.join(SUFFIXES)}).")
        tested = _tested(folder, list(sources))
        order = sorted(sources, key=lambda name: (name in tested, _hash(name)))
        names, attributes_NA, scores_NA = _attributes(folder, order)
        treatment, chosen = Treatment(size), [sources[name] for name in order]
        prepared = prepare(self.name, chosen, treatment, cache / self.name, progress)
        return divide(prepared, len(order) - len(tested), names, attributes_NA, scores_NA)

    @property
    def source_folder(self) -> Path:
        """The folder of the pictures: `path`, where it is given."""
        return user_path(self.path) if self.path else super().source_folder

    def fetch(self, progress: Progress = silent) -> None:
        """Nothing can be fetched: say where the pictures have to be."""
        self._found()

    def augment(self, x_BCHW: Tensor, noise: torch.Generator) -> Tensor:
        """Mirror, and for 'paper' move and recolour, each picture by chance; by default neither."""
        return augmented(x_BCHW, self.augmentation, JITTER, noise)

    def _found(self) -> Path:
        if not self.source_folder.is_dir():
            raise DataError(f"There is no folder {self.source_folder}: name yours as folder[path=…].")
        return self.source_folder


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _tested(folder: Path, names: list[str]) -> set[str]:
    """Which pictures are the test part."""
    if (folder / SPLITS).exists():
        return _listed(folder, names)
    if all((folder / part).is_dir() for part in PARTS):
        for name in names:
            if name.partition("/")[0] not in PARTS:
                raise DataError(f"{name} is neither in train/ nor in test/ of {folder}.")
        return {name for name in names if name.startswith("test/")}
    return set(sorted(names, key=_hash)[len(names) - len(names) // 6 :])


def _listed(folder: Path, names: list[str]) -> set[str]:
    rows = (row for row in rows_of(folder / SPLITS) if row.cells != ["file", "split"])
    found = dict(by_picture(rows, 2))
    for row in found.values():
        if row.cells[1] not in PARTS:
            raise DataError(f"{row.where}: '{row.cells[1]}' is neither train nor test.")
    _match(found, names, SPLITS, folder)
    return {name for name, row in found.items() if row.cells[1] == "test"}


def _attributes(folder: Path, names: list[str]) -> tuple[tuple[str, ...], Attributes, Scores | None]:
    """The names of the attributes, which pictures have them, and scores where they are more than yes and no."""
    path = folder / TABLE
    if not path.exists():
        return (), np.zeros((len(names), 0), np.bool_), None
    rows = rows_of(path)
    header = next(rows, Row(TABLE, [""])).cells[1:]
    if twice := [name for name in header if header.count(name) > 1]:
        raise DataError(f"{TABLE}:1: two columns are called {twice[0]}.")
    found = dict(by_picture(rows, 1 + len(header)))
    _match(found, names, TABLE, folder)
    values_NA = np.array([numbers(found[name]) for name in names], np.float32).reshape(len(names), -1)
    binary = all({*column} <= {0, 1} or {*column} <= {-1, 1} for column in values_NA.T.tolist())
    return tuple(header), values_NA > 0, None if binary else values_NA


def _match(rows: dict[str, Row], names: list[str], table: str, folder: Path) -> None:
    match({name: row.where for name, row in rows.items()}, names, table, str(folder))
