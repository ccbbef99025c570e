"""Images that are drawn from descriptions: their attributes, sizes, cache and two parts."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vaegan_bench.api import Data, DataError, Split
from vaegan_bench.datasets.arrays import Pixels, Recipe, array_of, keep, read_array, write_manifest
from vaegan_bench.system.files import replace_file

SIZES = (16, 32, 64, 128)
MASTER = 64
"""Smaller images are area averages of those of this size; larger ones are drawn at their own size."""
FEWEST = 6
"""The fewest images that can be divided: one in this many is a test image."""


class Attribute(NamedTuple):
    """A description has the attribute if `part` is one of `kinds`."""

    name: str
    """As CelebA writes it, where CelebA has it."""
    meaning: str
    part: str
    """A field of the description."""
    kinds: frozenset[str]

    def __call__(self, described: object) -> bool:
        """Whether the described image has the attribute."""
        return getattr(described, self.part) in self.kinds


def attribute(name: str, meaning: str, part: str, kinds: str) -> Attribute:
    """An attribute by kinds that are separated by commas."""
    return Attribute(name, meaning, part, frozenset(kind.strip() for kind in kinds.split(",")))


def enough(name: str, images: int, what: str) -> None:
    """Raise `DataError` for so few images that there is no test part."""
    if images < FEWEST:
        raise DataError(f"{name} needs at least {FEWEST} {what} for a training and a test set, not {images}.")


def images_at(
    name: str, size: int, cache: Path, recipe: Callable[[int], Recipe], draw: Callable[[int], Pixels]
) -> Pixels:
    """The images that `draw` draws, (N, C, size, size): from the cache, or drawn at 64 pixels or more and kept there.

    `recipe` holds all that decides the images at a size. Raises `DataError` for a size that is not one of `SIZES`.
    """
    if size not in SIZES:
        raise DataError(f"{name} come in {', '.join(map(str, SIZES))} pixels, not {size}: choose one of these.")
    master = max(size, MASTER)
    wanted = recipe(master)
    array = array_of(cache / name, wanted)

    def make() -> None:
        pixels = draw(master)
        with replace_file(array) as unfinished:
            pixels.tofile(unfinished)
        write_manifest(array, wanted)

    return shrink(keep(name, array, lambda: read_array(array, wanted), make).pixels, size)


def shrink(images: Pixels, size: int) -> Pixels:
    """The mean of each block of pixels, rounded to the nearest level, halves up."""
    block = images.shape[-1] // size
    if block == 1:
        return images
    total = np.full((*images.shape[:2], size, size), block * block // 2, np.uint16)
    for row, column in itertools.product(range(block), repeat=2):
        total += images[:, :, row::block, column::block]
    total //= block * block
    return total.astype(np.uint8)


def divide(
    whole: Split,
    attributes: Iterable[Attribute],
    classes: tuple[str, ...],
    factors: Mapping[str, tuple[str, ...]] | None = None,
) -> Data:
    """The last sixth of the images as test part, the others for training."""
    names = tuple(attribute.name for attribute in attributes)
    first_test = len(whole) - len(whole) // FEWEST
    train, test = whole[:first_test], whole[first_test:]
    digest = _digest(whole, names, classes, factors or {})
    return Data(train, test, names, classes, factors=factors or {}, digest=digest)


def _digest(whole: Split, *named: object) -> str:
    words = [word for word in named if word]
    digest = hashlib.sha256(json.dumps([*words, list(whole.images_NCHW.shape)]).encode())
    for tensor in (whole.images_NCHW, whole.attributes_NA, whole.labels_N, whole.factors_NF):
        if tensor is not None:
            digest.update(tensor.numpy().data)
    return digest.hexdigest()
