"""Handwritten digits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vaegan_bench.datasets.labelled import Images
from vaegan_bench.datasets.published_files import PublishedFile
from vaegan_bench.datasets.torchvision_sets import Source, TorchvisionDataset
from vaegan_bench.system.vision import load_torchvision

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
"""In words, so that no table mistakes a class for a number."""


@dataclass(frozen=True, kw_only=True)
class MNIST(TorchvisionDataset):
    """Handwritten digits, grey, 60,000 for training and 10,000 for test (LeCun et al., 1998).

    Its 28×28 pixels get a black frame of two pixels; sizes other than 28 and 32 are resized from that.
    """

    name = "mnist"

    def source(self) -> Source:
        """Four files, 12 MB."""
        return idx_source(load_torchvision().datasets.MNIST, DIGITS)


def idx_source(opened: Any, classes: tuple[str, ...]) -> Source:
    """The four IDX files of MNIST, or of a data set in its format."""
    raw = f"{opened.__name__}/raw"
    resources = [(f"{raw}/{file}", file, md5) for file, md5 in opened.resources]
    return Source(
        classes,
        files=tuple(path.removesuffix(".gz") for path, _, _ in resources),
        published=tuple(
            PublishedFile(path, tuple(f"{mirror}{file}" for mirror in opened.mirrors), md5)
            for path, file, md5 in resources
        ),
        unpack=lambda folder: opened(folder, download=True),
        read=lambda folder: (_images(opened(folder, train=True)), _images(opened(folder, train=False))),
    )


def _images(opened: Any) -> Images:
    return Images(opened.data[:, None], opened.targets)
