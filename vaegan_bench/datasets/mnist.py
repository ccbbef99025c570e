"""Handwritten digits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaegan_bench.api import Data, Dataset, Progress, silent
from vaegan_bench.datasets.labelled import Images, Source, fetch_labelled, load_labelled
from vaegan_bench.datasets.published_files import PublishedFile
from vaegan_bench.system.vision import load_torchvision

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
"""In words, so that no table mistakes a class for a number."""


@dataclass(frozen=True, kw_only=True)
class MNIST(Dataset):
    """Handwritten digits, grey, 60,000 for training and 10,000 for test (LeCun et al., 1998).

    Its 28×28 pixels get a black frame of two pixels; sizes other than 28 and 32 are resized from that.
    """

    name = "mnist"

    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        """All digits, grey; each class is an attribute, too."""
        return load_labelled(self, idx_source(load_torchvision().datasets.MNIST), DIGITS, size, cache, progress)

    def fetch(self, progress: Progress = silent) -> None:
        """Download 12 MB in four files."""
        fetch_labelled(self, idx_source(load_torchvision().datasets.MNIST), progress)


def idx_source(torchvision_class: Any) -> Source:
    """The four IDX files of MNIST, or of a data set in its format."""
    raw = f"{torchvision_class.__name__}/raw"
    resources = [(f"{raw}/{file}", file, md5) for file, md5 in torchvision_class.resources]
    return Source(
        files=tuple(path.removesuffix(".gz") for path, _, _ in resources),
        published=tuple(
            PublishedFile(path, tuple(f"{mirror}{file}" for mirror in torchvision_class.mirrors), md5)
            for path, file, md5 in resources
        ),
        unpack=lambda folder: torchvision_class(folder, download=True),
        read=lambda folder: (
            _images(torchvision_class(folder, train=True)),
            _images(torchvision_class(folder, train=False)),
        ),
    )


def _images(opened: Any) -> Images:
    return Images(opened.data[:, None], opened.targets)
