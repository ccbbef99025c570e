"""Small photographs of ten kinds of things."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from vaegan_bench.api import Data, Dataset, Progress, silent
from vaegan_bench.datasets.labelled import Images, Source, fetch_labelled, load_labelled
from vaegan_bench.datasets.published_files import PublishedFile
from vaegan_bench.system.vision import load_torchvision

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


@dataclass(frozen=True, kw_only=True)
class CIFAR10(Dataset):
    """Photographs of ten kinds of animals and vehicles, 50,000 for training and 10,000 for test (Krizhevsky, 2009).

    Sizes other than 32 are resized by antialiased bicubic interpolation.
    """

    name = "cifar10"

    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        """All photographs in colour; each class is an attribute, too."""
        return load_labelled(self, _source(), CLASSES, size, cache, progress)

    def fetch(self, progress: Progress = silent) -> None:
        """Download an archive of 170 MB, and unpack it."""
        fetch_labelled(self, _source(), progress)


def _source() -> Source:
    opened = load_torchvision().datasets.CIFAR10
    names = [*(name for name, _ in opened.train_list + opened.test_list), opened.meta["filename"]]
    return Source(
        files=tuple(f"{opened.base_folder}/{name}" for name in names),
        published=(PublishedFile(opened.filename, (opened.url,), opened.tgz_md5),),
        unpack=lambda folder: opened(folder, download=True),
        read=lambda folder: (_images(opened(folder, train=True)), _images(opened(folder, train=False))),
    )


def _images(opened: Any) -> Images:
    return Images(torch.from_numpy(opened.data).permute(0, 3, 1, 2), torch.tensor(opened.targets))
