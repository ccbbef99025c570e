"""The data set with factors: images, factors, attributes and classes from scene descriptions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch

from vaegan_bench.api import Data, Dataset, Progress, Split, silent
from vaegan_bench.datasets.arrays import Recipe
from vaegan_bench.datasets.drawn import divide, enough, images_at
from vaegan_bench.datasets.shapes.attributes import ATTRIBUTES
from vaegan_bench.datasets.shapes.drawing import draw_all
from vaegan_bench.datasets.shapes.scenes import FACTORS, SEED, Scene, random_scene
from vaegan_bench.system.code import code_behind

CLASSES = FACTORS["shape"]
SAMPLE_DIGEST = "91bf090249bed9221c38e8d65f77de0abecc17ad66148904870603200a29f348"
"""The digest of `shapes[images=60]` at 64 pixels."""


@dataclass(frozen=True, kw_only=True)
class Shapes(Dataset):
    """One shape on a background, drawn from eight exact and independent factors; nothing to download.

    See `docs/datasets.md` for the factors, the attributes and for how the images are made.
    """

    name: ClassVar[str] = "shapes"
    images: int = 12_000
    """How many images, of which five in six are for training."""

    def __post_init__(self) -> None:
        enough(self.name, self.images, "images")

    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        """Draw the images, or read them from the cache; (N, 3, size, size) for a size of 16, 32, 64 or 128."""
        scenes = [random_scene(i) for i in range(self.images)]
        images = images_at(
            self.name,
            size,
            cache,
            lambda drawn_at: _recipe(scenes, drawn_at),
            lambda drawn_at: draw_all(len(scenes), drawn_at, progress),
        )
        attributes = np.array([[holds(scene) for holds in ATTRIBUTES] for scene in scenes])
        factors = np.array([[values.index(getattr(s, f)) for f, values in FACTORS.items()] for s in scenes], np.int64)
        labels = np.array([CLASSES.index(scene.shape) for scene in scenes], np.int64)
        images_NCHW, attributes_NA, labels_N, factors_NF = map(torch.from_numpy, (images, attributes, labels, factors))
        whole = Split(images_NCHW, attributes_NA, labels_N, factors_NF=factors_NF)
        return divide(whole, ATTRIBUTES, CLASSES, FACTORS)


def _recipe(scenes: list[Scene], size: int) -> Recipe:
    return {
        "seed": SEED,
        "shape": [len(scenes), 3, size, size],
        "descriptions": hashlib.sha256(repr(scenes).encode()).hexdigest(),
        "code": code_behind(draw_all).digest,
    }
