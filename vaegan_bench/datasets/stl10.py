"""Photographs of ten kinds of things, most of them without a label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from vaegan_bench.datasets.labelled import Images
from vaegan_bench.datasets.torchvision_sets import Source, TorchvisionDataset, archive_source
from vaegan_bench.system.vision import load_torchvision

CLASSES = ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck")


@dataclass(frozen=True, kw_only=True)
class STL10(TorchvisionDataset):
    """Photographs of ten kinds of animals and vehicles, 5,000 for training and 8,000 for test (Coates et al., 2011).

    Sizes other than 96 are resized by antialiased bicubic interpolation.
    """

    name = "stl10"
    unlabeled: bool = False
    """Train on the 100,000 images without a label, too. Then there are no classes and no attributes at all:
    metrics on attributes would take an unlabelled image for one that has no attribute."""

    def source(self) -> Source:
        """An archive of 2.6 GB, which holds all parts."""
        opened = load_torchvision().datasets.STL10
        split = "train+unlabeled" if self.unlabeled else "train"
        return archive_source(
            opened,
            () if self.unlabeled else CLASSES,
            more=(),
            read=lambda folder: (self._images(opened(folder, split)), self._images(opened(folder, "test"))),
        )

    def _images(self, opened: Any) -> Images:
        labels = None if self.unlabeled else torch.from_numpy(opened.labels).long()
        return Images(torch.from_numpy(opened.data), labels)
