"""The embedded data set: images, attributes and classes from face descriptions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from vaegan_bench.api import Data, Dataset, Progress, Split, silent
from vaegan_bench.datasets.arrays import Recipe
from vaegan_bench.datasets.augmentation import mirror
from vaegan_bench.datasets.avatars.attributes import ATTRIBUTES
from vaegan_bench.datasets.avatars.drawing import draw
from vaegan_bench.datasets.avatars.faces import SEED, Face, random_face
from vaegan_bench.datasets.avatars.gallery import draw_gallery
from vaegan_bench.datasets.avatars.parts import STYLES
from vaegan_bench.datasets.drawn import divide, enough, images_at

CLASSES = tuple(STYLES)
SAMPLE_DIGEST = "990d709315c34d02c8e7bd4af9222bcffc07a95646f164ab684fd2bccfc5d60e"
"""The digest of `avatars[faces=60]` at 64 pixels, as python_avatars 1.4.1 and resvg_py 0.5.0 draw it."""


@dataclass(frozen=True, kw_only=True)
class Avatars(Dataset):
    """Drawn faces with exact attributes in random poses, from the artwork of python_avatars; nothing to download.

    See `docs/datasets.md` for the attributes and for how the images are made.
    """

    name: ClassVar[str] = "avatars"
    faces: int = 12_000
    """How many images, of which five in six are for training."""
    flip: bool = False
    """Mirror half of the training images, at random."""

    def __post_init__(self) -> None:
        enough(self.name, self.faces, "faces")

    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        """Draw the faces, or read them from the cache; (N, 3, size, size) for a size of 16, 32, 64 or 128."""
        faces = [random_face(i) for i in range(self.faces)]
        images = images_at(
            self.name,
            size,
            cache,
            lambda drawn_at: _recipe(faces, drawn_at),
            lambda drawn_at: draw_gallery(len(faces), drawn_at, progress),
        )
        attributes = np.array([[holds(face) for holds in ATTRIBUTES] for face in faces])
        labels = np.array([CLASSES.index(face.style) for face in faces], np.int64)
        return divide(Split(*map(torch.from_numpy, (images, attributes, labels))), ATTRIBUTES, CLASSES)

    def augment(self, x_BCHW: Tensor, noise: torch.Generator) -> Tensor:
        """Mirror each image with probability ½ if `flip`."""
        return mirror(x_BCHW, noise) if self.flip else x_BCHW


def _recipe(faces: list[Face], size: int) -> Recipe:
    # A finished face of each style changes with the code that draws it, so no version number is needed.
    examples = {face.style: face for face in reversed(faces)}
    return {
        "python_avatars": version("python_avatars"),
        "resvg_py": version("resvg_py"),
        "seed": SEED,
        "shape": [len(faces), 3, size, size],
        "descriptions": hashlib.sha256(repr(faces).encode()).hexdigest(),
        "examples": {style: hashlib.sha256(draw(face, size).tobytes()).hexdigest() for style, face in examples.items()},
    }
