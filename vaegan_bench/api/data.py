"""Images in memory: what a data set hands to the harness."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, NamedTuple, Protocol

import torch
from torch import Tensor

from vaegan_bench.api.places import data_folder
from vaegan_bench.api.plugin import Plugin


class ImageShape(NamedTuple):
    """The shape of one image."""

    channels: int
    height: int
    width: int


@dataclass(frozen=True, eq=False)
class Split:
    """One part of a data set, all of it in memory."""

    images_NCHW: Tensor
    """(N, C, H, W) uint8."""
    attributes_NA: Tensor
    """(N, A) bool, one column per named attribute; A may be 0."""
    labels_N: Tensor | None = None
    """(N,) int64 class labels, for class-conditional metrics."""
    scores_NA: Tensor | None = None
    """(N, A) float32, if the data have scores instead of yes and no; `attributes_NA` then says which are above 0."""
    factors_NF: Tensor | None = None
    """(N, F) int64, if the data have factors: for each factor of `Data.factors`, the index of the image's value."""

    def __len__(self) -> int:
        return len(self.images_NCHW)

    @property
    def conditions(self) -> Tensor:
        """(N, A) float32, the conditioning attributes: scores, or else −1 and 1, as in CelebA."""
        return 2 * self.attributes_NA.float() - 1 if self.scores_NA is None else self.scores_NA

    def __getitem__(self, index: slice) -> Split:
        """The rows of a slice, as views."""
        optional = (self.labels_N, self.scores_NA, self.factors_NF)
        labels, scores, factors = (None if column is None else column[index] for column in optional)
        return Split(self.images_NCHW[index], self.attributes_NA[index], labels, scores, factors)


@dataclass(frozen=True, eq=False)
class Data:
    """A prepared data set: training and test images with their attributes."""

    train: Split
    test: Split
    attribute_names: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    factors: Mapping[str, tuple[str, ...]] = field(default_factory=dict, kw_only=True)
    """factor → the names of its values, in the order of the columns of `Split.factors_NF`; empty unless the images are
    known to vary in independent factors. Attributes are derived from factors; metrics of disentanglement use the
    factors themselves."""
    digest: str = field(kw_only=True)
    """A hash of the content; equal digests mean equal images, attributes, labels and factors."""
    left_out: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    """Images of the source that were left out, with the reason: damaged files, missing attributes."""
    remarks: tuple[str, ...] = field(default=(), kw_only=True)
    """What else readers of a table should know, such as that only a part of the official images is present."""

    @property
    def shape(self) -> ImageShape:
        """The shape of every image."""
        return ImageShape(*self.train.images_NCHW.shape[1:])


class Progress(Protocol):
    """Receives reports on the progress of long computations; the terminal shows them as a bar."""

    def __call__(self, description: str, done: int, total: int) -> None:
        """Report that `done` of `total` units of the work named `description` are finished."""


def silent(description: str, done: int, total: int) -> None:
    """A `Progress` that reports nothing."""


class Dataset(Plugin):
    """A source of images in [0, 255], prepared once and cached as one uint8 array."""

    kind: ClassVar[str] = "dataset"

    @abstractmethod
    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        """Return the data at `size` × `size` pixels; prepare them and cache them under `cache` if needed.

        Raises `DataError` where files are missing or damaged beyond repair.
        """

    @property
    def source_folder(self) -> Path:
        """The folder of its source files, named after it under `--data-dir`; it may not exist."""
        return data_folder() / self.name

    def fetch(self, progress: Progress = silent) -> None:
        """Put the source files into `source_folder`, where licence and network allow it.

        Does nothing if they are present or none are needed. `data prepare` and `reproduce` call it; `run` never.

        Raises `DataError` that says exactly which files to fetch by hand, and where to put them.
        """

    def augment(self, x_BCHW: Tensor, noise: torch.Generator) -> Tensor:
        """Vary a training batch in [-1, 1] on its device; all randomness comes from `noise`."""
        return x_BCHW


def to_signed(images_NCHW: Tensor) -> Tensor:
    """Images in [0, 255] of any type to float32 in [-1, 1], the range that networks see."""
    return images_NCHW.float().div(127.5).sub_(1.0)


def to_uint8(x_NCHW: Tensor) -> Tensor:
    """Float images in [-1, 1] to uint8 in [0, 255], rounded to the nearest level."""
    return x_NCHW.float().add(1.0).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)
