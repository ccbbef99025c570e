"""The data set `folder`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from vaegan_bench.api import Data, DataError, Dataset, Progress, silent
from vaegan_bench.datasets.augmentation import Augmentation, Jitter, vary
from vaegan_bench.datasets.folder.parts import SPLITS, parts_of
from vaegan_bench.datasets.folder.tables import ATTRIBUTES, attributes_of, constant
from vaegan_bench.datasets.preparation.array import prepare
from vaegan_bench.datasets.preparation.division import divide
from vaegan_bench.datasets.preparation.sources import images_in
from vaegan_bench.datasets.preparation.treatment import Treatment
from vaegan_bench.datasets.preparation.words import describe_ignored
from vaegan_bench.system.paths import user_path

JITTER = Jitter(2 / 148, 0.01, 0.01, 0.05, 0.05, 0.01)
"""The jitter of Larsen et al. (2016) on CelebA."""


@dataclass(frozen=True, kw_only=True)
class Folder(Dataset):
    """All images under `path`, cut to their middle square and resized, antialiased bicubic; RGB, whatever they were.

    `attributes.csv` there may give attributes: a line of names, then a file's name relative to the folder with a value
    for each, 0 or 1, −1 or 1, yes or no, true or false, or a real number, which is kept as a score and holds above 0.
    `splits.csv` (`file,split`) may say which file is for `train`, `test` or `val`; so may folders of these or the other
    usual names. Otherwise the last sixth of the files is for test, in the order of the SHA-256 of their names, so that
    a new file moves few others.

    Data are identified by their content: a hash of all prepared pixels, of the attributes, and of the parts. Files are
    decoded again where a path, size or time of change is new; runs are trained again where the content is new, or
    `path` is another.
    """

    name = "folder"
    path: str = ""
    """The folder; if empty, `folder/` among the source files."""
    augmentation: Augmentation = "none"
    """'flip': mirrored with probability ½. 'paper': that, and moved and recoloured as celeba is."""

    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        """All images at a size, decoded at the first use."""
        folder = self._folder()
        listing = images_in(folder)
        sources = {source.name: source for source in listing.sources}
        parts = parts_of(folder, list(sources))
        order = [*parts.train, *parts.test]
        annotated = attributes_of(folder, list(sources), order)
        others = (name for name in listing.others if name.casefold() not in (ATTRIBUTES, SPLITS))
        remarks = (parts.remark, *describe_ignored(others), *constant(annotated))
        chosen = [sources[name] for name in order]
        prepared = prepare(self.name, chosen, Treatment(size), cache / self.name, progress)
        return divide(prepared, len(parts.train), *annotated, remarks)

    @property
    def source_folder(self) -> Path:
        """The folder of the images: `path`, where it is given."""
        return user_path(self.path) if self.path else super().source_folder

    def fetch(self, progress: Progress = silent) -> None:
        """Nothing can be fetched: say where the images have to be."""
        self._folder()

    def augment(self, x_BCHW: Tensor, noise: torch.Generator) -> Tensor:
        """Mirror, and for 'paper' move and recolour, each image by chance; by default neither."""
        return vary(x_BCHW, self.augmentation, JITTER, noise)

    def _folder(self) -> Path:
        if not self.source_folder.is_dir():
            raise DataError(f"There is no folder {self.source_folder}: name yours as folder[path=…].")
        return self.source_folder
