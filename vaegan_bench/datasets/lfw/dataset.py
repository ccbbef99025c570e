"""The data set: its files, its crop, its augmentation."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from vaegan_bench.api import Data, DataError, Dataset, Progress, at_least, silent
from vaegan_bench.datasets.augmentation import Augmentation, Jitter, vary
from vaegan_bench.datasets.lfw.tables import Scores, person_of, read_people, read_scores
from vaegan_bench.datasets.preparation.annotations import numbers
from vaegan_bench.datasets.preparation.array import prepare
from vaegan_bench.datasets.preparation.division import divide, hash_of
from vaegan_bench.datasets.preparation.sources import ARCHIVES, Source, by_file_name, locate
from vaegan_bench.datasets.preparation.treatment import Treatment

SIDE, CROP = 250, 150
JITTER = Jitter(1 / CROP, 0.01, 0.01, 0.07, 0.07, 0.0125)
"""The paper's authors move the uncropped image by 1 of its pixels."""
FOLDERS = {"deep-funneled": ("lfw-deepfunneled",), "funneled": ("lfw_funneled", "lfw-funneled"), "original": ("lfw",)}
"""Alignment → the names that the folder of images, or its archive, may have."""
ORIGIN = (
    "Their site, http://vis-www.cs.umass.edu/lfw/, answers no longer. lfw.tgz and lfw-funneled.tgz are at "
    "https://ndownloader.figshare.com/files/5976018 and /5976015, deep-funneled images at "
    "https://www.kaggle.com/datasets/jessicali9530/lfw-dataset, people.txt in archived copies of the site, and "
    "lfw_attributes.txt at https://www.cs.columbia.edu/CAVE/databases/pubfig/download/; nothing is fetched for you."
)


@dataclass(frozen=True, kw_only=True)
class LFW(Dataset):
    """13,143 faces with 73 real-valued attributes (Huang et al., 2007; Kumar et al., 2009), as in Larsen et al. (2016).

    The middle 150 × 150 of 250 × 250 pixels, antialiased bicubic. An attribute holds where its score is above 0.
    Images without attributes are left out, and named in the manifest. Nobody is in both training and test part. People
    stand in the order of a hash of their names, so that a validation part holds whole people, but for one at most.
    Files are looked for in `lfw/` among the source files.
    """

    name = "lfw"
    alignment: Literal["deep-funneled", "funneled", "original", "landmarks"] = "deep-funneled"
    """How the faces were brought into place; numbers on different alignments do not compare. The paper's own alignment,
    by 'landmarks', is not available: the file with 68 points per image that its authors used is no longer published."""
    fold: int = 1
    """Which of the ten sets of people in people.txt is the test part; the paper's authors test on the first."""
    augmentation: Augmentation = "flip"
    """'flip': mirrored with probability ½. 'paper': that, and each image moved by N(0, 1 pixel of the original),
    scaled by N(1, .01), turned by N(0, .01 rad), with exponents of about 1 ± .1 on all channels, and on saturation and
    value, and the hue turned by N(0, .0125 turns); as in the code of Larsen et al. (2016)."""

    def __post_init__(self) -> None:
        at_least(self, fold=1)
        if self.alignment == "landmarks":
            raise DataError(
                "lfw[alignment=landmarks] needs the 68 landmarks for each image that the paper's authors took from "
                f"denseLFW_v2, a file of others that is no longer published, so choose {', '.join(FOLDERS)}."
            )

    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        """All images with attributes at a size, decoded at the first use."""
        attributes, people, images = self._locate()
        names, scores = read_scores(attributes)
        tested = read_people(people, self.fold)
        sources = by_file_name(images)
        chosen = sorted(scores.keys() & sources, key=lambda image: _place_of(person_of(image), tested, image))
        left_out = _left_out(scores, sources, images)
        treatment = Treatment(size, _box(), (SIDE, SIDE))
        chosen_sources = [sources[image] for image in chosen]
        prepared = prepare(self.name, chosen_sources, treatment, cache / self.name, progress, left_out)
        scores_NA = np.array([numbers(scores[image]) for image in chosen], np.float32).reshape(-1, len(names))
        trained = sum(person_of(image) not in tested for image in chosen)
        return divide(prepared, trained, names, scores_NA > 0, scores_NA)

    def fetch(self, progress: Progress = silent) -> None:
        """Say which files to fetch, and where they go; nothing where they are there."""
        self._locate()

    def augment(self, x_BCHW: Tensor, noise: torch.Generator) -> Tensor:
        """Mirror, and for 'paper' move and recolour, each image by chance."""
        return vary(x_BCHW, self.augmentation, JITTER, noise)

    def _locate(self) -> list[Path]:
        names = FOLDERS[self.alignment]
        images = f"the images, as {names[-1]}.tgz or a folder {names[0]}"
        needs = {file: [file] for file in ("lfw_attributes.txt", "people.txt")}
        needs[images] = [f"{name}{form}" for form in ("", *ARCHIVES) for name in names]
        return locate(self.name, self.source_folder, needs, ORIGIN)


def _place_of(person: str, tested: Collection[str], image: str) -> tuple[bool, str, str]:
    """What decides the place of an image: training people first, and all images of a person together."""
    return person in tested, hash_of(person), image


def _left_out(scores: Scores, sources: dict[str, Source], images: Path) -> dict[str, str]:
    """Images and rows that are not used, and why. Raises `DataError` where over 1 % of the rows have no image."""
    lost = [image for image in scores if image not in sources]
    if len(lost) * 100 > len(scores):
        where = scores[lost[0]].where
        raise DataError(f"{where}: {lost[0]} is not in {images}; {len(lost)} of {len(scores)} images are not.")
    without = dict.fromkeys(sorted(sources.keys() - scores), "it has no attributes")
    return without | dict.fromkeys(lost, "there is no image")


def _box() -> tuple[int, int, int, int]:
    margin = (SIDE - CROP) // 2
    return margin, margin, SIDE - margin, SIDE - margin
