"""Small photographs of ten kinds of things."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from vaegan_bench.datasets.labelled import Images
from vaegan_bench.datasets.torchvision_sets import Source, TorchvisionDataset, archive_source
from vaegan_bench.system.vision import load_torchvision

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


@dataclass(frozen=True, kw_only=True)
class CIFAR10(TorchvisionDataset):
    """Photographs of ten kinds of animals and vehicles, 50,000 for training and 10,000 for test (Krizhevsky, 2009).

    Sizes other than 32 are resized by antialiased bicubic interpolation.
    """

    name = "cifar10"

    def source(self) -> Source:
        """An archive of 170 MB."""
        opened = load_torchvision().datasets.CIFAR10
        return archive_source(
            opened,
            CLASSES,
            more=(opened.meta["filename"],),
            read=lambda folder: (_images(opened(folder, train=True)), _images(opened(folder, train=False))),
        )


def _images(opened: Any) -> Images:
    return Images(torch.from_numpy(opened.data).permute(0, 3, 1, 2), torch.tensor(opened.targets))
