"""Photographs of ten kinds of things, most of them without a label."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from vaegan_bench.api import Data, Dataset, Progress, silent
from vaegan_bench.datasets.labelled import Images, Source, fetch_labelled, load_labelled
from vaegan_bench.datasets.published_files import PublishedFile
from vaegan_bench.system.vision import load_torchvision

CLASSES = ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck")


@dataclass(frozen=True, kw_only=True)
class STL10(Dataset):
    """Photographs of ten kinds of animals and vehicles, 5,000 for training and 8,000 for test (Coates et al., 2011).

    Sizes other than 96 are resized by antialiased bicubic interpolation.
    """

    name = "stl10"
    unlabeled: bool = False
    """Train on the 100,000 images without a label, too. Then there are no classes and no attributes at all: an image
    whose class nobody noted is no image without one, which is what metrics of attributes would take it for."""

    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        """All photographs in colour; each class is an attribute, too, unless `unlabeled`."""
        return load_labelled(self, self._source(), () if self.unlabeled else CLASSES, size, cache, progress)

    def fetch(self, progress: Progress = silent) -> None:
        """Download an archive of 2.6 GB, which holds all parts, and unpack it."""
        fetch_labelled(self, self._source(), progress)

    def _source(self) -> Source:
        opened = load_torchvision().datasets.STL10
        split = "train+unlabeled" if self.unlabeled else "train"
        return Source(
            files=tuple(f"{opened.base_folder}/{name}" for name, _ in opened.train_list + opened.test_list),
            published=(PublishedFile(opened.filename, (opened.url,), opened.tgz_md5),),
            unpack=lambda folder: opened(folder, download=True),
            read=lambda folder: (self._images(opened(folder, split)), self._images(opened(folder, "test"))),
        )

    def _images(self, opened: Any) -> Images:
        labels = None if self.unlabeled else torch.from_numpy(opened.labels).long()
        return Images(torch.from_numpy(opened.data), labels)
