"""The images in a folder, and what was read of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from vaegan_bench.api import DataError, Progress, silent
from vaegan_bench.datasets.preparation.reading import read_originals
from vaegan_bench.datasets.preparation.sources import images_in
from vaegan_bench.datasets.preparation.words import describe_ignored, describe_left_out
from vaegan_bench.system.errors import one_line


@dataclass(frozen=True, eq=False)
class ImageFolder:
    """All readable images of a folder, and its other files."""

    path: Path
    images_NCHW: Tensor
    """(N, 3, H, W) uint8, in the order of their names."""
    left_out: Mapping[str, str]
    """Images that cannot be read → why."""
    others: Sequence[str] = ()
    """Files that are not images by their names."""
    names: Sequence[str] = ()
    """(N,) The path of each image within the folder."""

    @property
    def size(self) -> str:
        """The width and height of every image: '64×48'."""
        return f"{self.images_NCHW.shape[3]}×{self.images_NCHW.shape[2]}"

    @property
    def name(self) -> str:
        """The path as text that every file can hold: a path may have bytes that are no UTF-8."""
        return one_line(str(self.path))

    def facts(self, side: str) -> dict[str, str | int]:
        """The facts about the folder in the protocol of every number."""
        return {
            f"{side}_size": self.size,
            f"{side}_read": len(self.images_NCHW),
            f"{side}_left_out": len(self.left_out),
        }

    def __str__(self) -> str:
        """How many images were read, and which files were not, in one line."""
        read = f"{len(self.images_NCHW):,} images of {self.size} read from {self.name}"
        return "; ".join([read, *describe_left_out(self.left_out), *describe_ignored(self.others)])


def read_folder(folder: Path, progress: Progress = silent) -> ImageFolder:
    """All images in a folder and the folders in it, read by the same rules as for the data set `folder`.

    Raises `DataError` for a folder without images, images of two sizes, and more than 1 % that cannot be read.
    """
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}.")
    listing = images_in(folder)
    pixels, left_out = read_originals(listing.sources, str(folder), progress)
    names = [source.name for source in listing.sources if source.name not in left_out]
    return ImageFolder(folder, torch.from_numpy(pixels), left_out, listing.others, names)


def size_warning(real: ImageFolder, fake: ImageFolder) -> str:
    """A warning where the images of the two folders differ in size; '' where they do not."""
    if real.size == fake.size:
        return ""
    return (
        f"Warning: real images have {real.size} pixels and generated ones {fake.size}: every number compares sharpness "
        "as well. Resize one side before you measure."
    )
