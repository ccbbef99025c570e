"""The data set: images, factors and attributes from descriptions of portraits."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from vaegan_bench.api import Data, DataError, Dataset, Progress, Split, silent
from vaegan_bench.datasets.arrays import Recipe
from vaegan_bench.datasets.drawn import divide, enough, images_at
from vaegan_bench_dicebear.artwork import factors
from vaegan_bench_dicebear.portraits import Portrait, random_portrait
from vaegan_bench_dicebear.styles import STYLES

PACKAGES = ("dicebear-core", "dicebear-styles", "resvg-py")
"""The packages that images depend on: they assemble the artwork, contain it, and draw it."""
SAMPLE_DIGEST = "e33e0166a36abd60ab05b62fe7370482d4bf4fde5e11879555c245adbfd7f24e"
"""Of `dicebear[faces=60]` at 64 pixels, as dicebear-core 10.7.0, dicebear-styles 10.6.0 and resvg_py 0.5.0 draw it."""


@dataclass(frozen=True, kw_only=True)
class DiceBear(Dataset):
    """Portraits from the CC0 artwork of DiceBear, drawn from exact and independent factors in random poses.

    The package's README shows the styles and says how the images are made.
    """

    name = "dicebear"
    style: Literal["lorelei", "notionists", "open-peeps", "pixel-art", "voxel-art", "cutouts", "moods"] = "lorelei"
    """The artwork."""
    faces: int = 12_000
    """How many images, of which five in six are for training."""

    def __post_init__(self) -> None:
        enough(self.name, self.faces, "faces")

    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        """Draw the portraits, or read them from the cache; (N, 3, size, size) for a size of 16, 32, 64 or 128."""
        versions = _versions()
        # The gallery imports DiceBear; the line above has checked that it is installed.
        from vaegan_bench_dicebear.gallery import draw_gallery

        portraits = [random_portrait(self.style, i) for i in range(self.faces)]
        images = images_at(
            self.name,
            size,
            cache,
            lambda drawn_at: _recipe(portraits, drawn_at, versions),
            lambda drawn_at: draw_gallery(self.style, self.faces, drawn_at, progress),
        )
        chosen, known = STYLES[self.style].attributes, factors(self.style)
        attributes = np.array([[p.values[each.part] in each.kinds for each in chosen] for p in portraits])
        places = np.array([[values.index(p.values[f]) for f, values in known.items()] for p in portraits], np.int64)
        images_NCHW, attributes_NA, factors_NF = map(torch.from_numpy, (images, attributes, places))
        return divide(Split(images_NCHW, attributes_NA, factors_NF=factors_NF), chosen, (), known)


def _versions() -> Mapping[str, str]:
    """The versions of the packages that decide the images. Raises `DataError` where one is missing."""
    try:
        return {package: version(package) for package in PACKAGES}
    except PackageNotFoundError as error:
        raise DataError(
            f"dicebear needs the package {error.name}, which is not installed: run `pip install {error.name}`."
        ) from error


def _recipe(portraits: list[Portrait], size: int, versions: Mapping[str, str]) -> Recipe:
    from vaegan_bench_dicebear.drawing import draw

    # Descriptions and a finished portrait change with the code that makes them, so no version number is needed.
    described = repr(portraits).encode() + draw(portraits[0], size).tobytes()
    return {
        **versions,
        "shape": [len(portraits), 3, size, size],
        "descriptions": hashlib.sha256(described).hexdigest(),
    }
