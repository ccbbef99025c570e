"""The embedded data set: images, attributes and classes from face descriptions."""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from vaegan_bench.api import Data, DataError, Dataset, Progress, Split, silent
from vaegan_bench.datasets.arrays import Pixels, Recipe, array_of, keep, read_array, write_manifest
from vaegan_bench.datasets.augmentation import mirror
from vaegan_bench.datasets.avatars.attributes import ATTRIBUTES
from vaegan_bench.datasets.avatars.drawing import svg
from vaegan_bench.datasets.avatars.faces import SEED, Face, random_face
from vaegan_bench.datasets.avatars.gallery import draw_gallery
from vaegan_bench.datasets.avatars.parts import STYLES
from vaegan_bench.system.files import whole_file

SIZES = (16, 32, 64, 128)
MASTER = 64
"""Smaller images are area averages of those of this size; larger ones are drawn at their own size."""
CLASSES = tuple(STYLES)
SAMPLE_DIGEST = "990d709315c34d02c8e7bd4af9222bcffc07a95646f164ab684fd2bccfc5d60e"
"""Of `avatars[faces=60]` at 64 pixels, as python_avatars 1.4.1 and resvg_py 0.5.0 draw it."""


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
        if self.faces < 6:
            raise DataError(f"avatars needs at least 6 faces for a training and a test set, not {self.faces}.")

    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        """Draw the faces, or recall them; (N, 3, size, size) for a size of 16, 32, 64 or 128."""
        if size not in SIZES:
            raise DataError(f"avatars come in {', '.join(map(str, SIZES))} pixels, not {size}: choose one of these.")
        faces = [random_face(i) for i in range(self.faces)]
        images = _shrink(_images(faces, max(size, MASTER), cache / "avatars", progress), size)
        attributes = np.array([[holds(face) for holds in ATTRIBUTES] for face in faces])
        labels = np.array([CLASSES.index(face.style) for face in faces], np.int64)
        whole = Split(*map(torch.from_numpy, (images, attributes, labels)))
        return self._divide(whole)

    def _divide(self, whole: Split) -> Data:
        names = tuple(attribute.name for attribute in ATTRIBUTES)
        first_test = self.faces - self.faces // 6
        train, test = whole[:first_test], whole[first_test:]
        return Data(train, test, names, CLASSES, digest=_digest(whole, names))

    def augment(self, x_BCHW: Tensor, noise: torch.Generator) -> Tensor:
        """Mirror each image with probability ½ if `flip`."""
        return mirror(x_BCHW, noise) if self.flip else x_BCHW


def _images(faces: list[Face], size: int, folder: Path, progress: Progress) -> Pixels:
    recipe = _recipe(faces, size)
    array = array_of(folder, recipe)

    def draw() -> None:
        pixels = draw_gallery(len(faces), size, progress)
        with whole_file(array) as unfinished:
            pixels.tofile(unfinished)
        write_manifest(array, recipe)

    return keep("avatars", array, lambda: read_array(array, recipe), draw).pixels


def _recipe(faces: list[Face], size: int) -> Recipe:
    # Descriptions and one finished drawing stand for the code that makes them, so no version number is needed.
    described = repr(faces) + svg(faces[0])
    return {
        "python_avatars": version("python_avatars"),
        "resvg_py": version("resvg_py"),
        "seed": SEED,
        "shape": [len(faces), 3, size, size],
        "descriptions": hashlib.sha256(described.encode()).hexdigest(),
    }


def _shrink(images: Pixels, size: int) -> Pixels:
    """The mean of each block of pixels, rounded to the nearest level, halves up."""
    block = images.shape[-1] // size
    if block == 1:
        return images
    total = np.full((*images.shape[:2], size, size), block * block // 2, np.uint16)
    for row, column in itertools.product(range(block), repeat=2):
        total += images[:, :, row::block, column::block]
    total //= block * block
    return total.astype(np.uint8)


def _digest(whole: Split, names: tuple[str, ...]) -> str:
    digest = hashlib.sha256(json.dumps([names, CLASSES, list(whole.images_NCHW.shape)]).encode())
    for tensor in (whole.images_NCHW, whole.attributes_NA, whole.labels_N):
        if tensor is not None:
            digest.update(tensor.numpy().data)
    return digest.hexdigest()
