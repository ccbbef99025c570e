"""The data set: its files, its crops, its augmentation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from vaegan_bench.api import Data, Dataset, Progress, silent
from vaegan_bench.datasets.augmentation import Augmentation, Jitter, vary
from vaegan_bench.datasets.celeba.tables import ATTRIBUTES, read_attributes, read_partition
from vaegan_bench.datasets.preparation.annotations import match
from vaegan_bench.datasets.preparation.array import prepare
from vaegan_bench.datasets.preparation.division import divide
from vaegan_bench.datasets.preparation.sources import by_file_name, locate
from vaegan_bench.datasets.preparation.treatment import Treatment

WIDTH, HEIGHT = 178, 218
TEST = 2
"""The official number of the test part."""
JITTER = {side: Jitter(2 / side, 0.01, 0.01, 0.05, 0.05, 0.01) for side in (148, 178)}
"""By the side of the crop: the paper's authors move the uncropped image by 2 of its pixels."""
IMAGES = 202_599
NEEDS = {
    "list_attr_celeba.txt (or .csv; Anno/ will do)": [
        f"{folder}list_attr_celeba.{form}" for form in ("txt", "csv") for folder in ("", "Anno/")
    ],
    "list_eval_partition.txt (or .csv; Eval/ will do)": [
        f"{folder}list_eval_partition.{form}" for form in ("txt", "csv") for folder in ("", "Eval/")
    ],
    "the aligned images, as img_align_celeba.zip or a folder img_align_celeba (Img/ will do)": [
        f"{folder}img_align_celeba{form}" for form in ("", ".zip") for folder in ("", "Img/")
    ],
}
ORIGIN = (
    "They are linked from http://mmlab.ie.cuhk.edu.hk/projects/CelebA.html (a share on Google Drive); "
    "their licence does not allow others to distribute them, so please fetch them yourself."
)


@dataclass(frozen=True, kw_only=True)
class CelebA(Dataset):
    """202,599 aligned faces with 40 binary attributes (Liu et al., 2015), prepared as by Larsen et al. (2016).

    The training part is the official training part followed by the official validation part, so that a study on
    validation data holds out official validation images. Files are looked for in `celeba/` among the source files.
    """

    name = "celeba"
    crop: Literal["paper", "148", "178"] = "paper"
    """What is cut out of the 178 × 218 pixels, and how it is resized.

    'paper': rows 40:188 and columns 15:163, a Gaussian blur of σ = ½√(148 / size), which is 0.76 at 64 pixels, then
    plain bicubic interpolation. '148': the same square, antialiased bicubic. '178': rows 20:198 of all columns,
    antialiased bicubic.
    """
    augmentation: Augmentation = "flip"
    """'flip': mirrored with probability ½. 'paper': that, and each image moved by N(0, 2 pixels of the original),
    scaled by N(1, .01), turned by N(0, .01 rad), with exponents of about 1 ± .07 on all channels, and on saturation and
    value, and the hue turned by N(0, .01 turns); as in the code of Larsen et al. (2016)."""

    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        """All images at a size, decoded at the first use: some minutes for each size and crop."""
        attributes, partition, images = self._locate()
        places, attributes_NA = read_attributes(attributes)
        rows, parts = read_partition(partition)
        sources = by_file_name(images)
        match(places, sources, attributes.name, images.name)
        match(rows, places, partition.name, attributes.name)
        names = list(places)
        order = sorted(range(len(names)), key=lambda i: (parts[names[i]], names[i]))
        chosen = [sources[names[i]] for i in order]
        prepared = prepare(self.name, chosen, self._treatment(size), cache / self.name, progress)
        trained = sum(part != TEST for part in parts.values())
        part = () if len(names) == IMAGES else (f"{len(names):,} of the {IMAGES:,} official images",)
        return divide(prepared, trained, ATTRIBUTES, attributes_NA[np.array(order)], remarks=part)

    def fetch(self, progress: Progress = silent) -> None:
        """Say which files to fetch, and where they go; nothing where they are there."""
        self._locate()

    def augment(self, x_BCHW: Tensor, noise: torch.Generator) -> Tensor:
        """Mirror, and for 'paper' move and recolour, each image by chance."""
        return vary(x_BCHW, self.augmentation, JITTER[self._side], noise)

    @property
    def _side(self) -> int:
        return WIDTH if self.crop == "178" else 148

    def _treatment(self, size: int) -> Treatment:
        left, upper = (0, 20) if self.crop == "178" else (15, 40)
        box = left, upper, left + self._side, upper + self._side
        blur = math.sqrt(self._side / size) / 2 if self.crop == "paper" else None
        return Treatment(size, box, (WIDTH, HEIGHT), blur)

    def _locate(self) -> list[Path]:
        return locate(self.name, self.source_folder, NEEDS, ORIGIN)
