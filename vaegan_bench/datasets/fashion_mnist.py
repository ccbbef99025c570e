"""Images of clothes in the format of MNIST."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vaegan_bench.api import Data, Dataset, Progress, silent
from vaegan_bench.datasets.labelled import fetch_labelled, load_labelled
from vaegan_bench.datasets.mnist import idx_source
from vaegan_bench.system.vision import load_torchvision

CLOTHES = (
    "T-shirt_or_top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle_boot",
)


@dataclass(frozen=True, kw_only=True)
class FashionMNIST(Dataset):
    """Clothes of ten kinds, grey, 60,000 for training and 10,000 for test (Xiao et al., 2017).

    Its 28×28 pixels get a black frame of two pixels; sizes other than 28 and 32 are resized from that.
    """

    name = "fashion-mnist"

    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        """All images, grey; each class is an attribute, too."""
        return load_labelled(self, idx_source(load_torchvision().datasets.FashionMNIST), CLOTHES, size, cache, progress)

    def fetch(self, progress: Progress = silent) -> None:
        """Download 31 MB in four files."""
        fetch_labelled(self, idx_source(load_torchvision().datasets.FashionMNIST), progress)
