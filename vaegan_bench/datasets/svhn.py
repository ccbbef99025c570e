"""House numbers, one digit in the middle of each image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from vaegan_bench.datasets.labelled import Images
from vaegan_bench.datasets.mnist import DIGITS
from vaegan_bench.datasets.published_files import PublishedFile
from vaegan_bench.datasets.torchvision_sets import Source, TorchvisionDataset
from vaegan_bench.system.vision import load_torchvision


@dataclass(frozen=True, kw_only=True)
class SVHN(TorchvisionDataset):
    """Digits of house numbers, cut from photographs, 73,257 for training and 26,032 for test (Netzer et al., 2011).

    Sizes other than 32 are resized by antialiased bicubic interpolation.
    """

    name = "svhn"
    extra: bool = False
    """Train on the 531,131 easier digits of the extra part, too; at 32×32 the training images then take 1.9 GB."""

    def source(self) -> Source:
        """Two files, 246 MB, and another of 1.3 GB for the extra part."""
        opened = load_torchvision().datasets.SVHN
        parts = ("train", "test", *(("extra",) if self.extra else ()))
        published = tuple(
            PublishedFile(file, (address,), md5) for address, file, md5 in (opened.split_list[part] for part in parts)
        )
        return Source(
            DIGITS,
            files=tuple(file.path for file in published),
            published=published,
            unpack=lambda folder: None,
            read=lambda folder: self._parts({part: _images(opened(folder, part)) for part in parts}),
        )

    def _parts(self, read: dict[str, tuple[torch.Tensor, torch.Tensor]]) -> tuple[Images, Images]:
        trained_on = [part for name, part in read.items() if name != "test"]
        return Images(*map(torch.cat, zip(*trained_on, strict=True))), Images(*read["test"])


def _images(opened: Any) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(opened.data), torch.from_numpy(opened.labels)
