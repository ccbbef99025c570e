"""Images of clothes in the format of MNIST."""

from __future__ import annotations

from dataclasses import dataclass

from vaegan_bench.datasets.mnist import idx_source
from vaegan_bench.datasets.torchvision_sets import Source, TorchvisionDataset
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
class FashionMNIST(TorchvisionDataset):
    """Clothes of ten kinds, grey, 60,000 for training and 10,000 for test (Xiao et al., 2017).

    Its 28×28 pixels get a black frame of two pixels; sizes other than 28 and 32 are resized from that.
    """

    name = "fashion-mnist"

    def source(self) -> Source:
        """Four files, 31 MB."""
        return idx_source(load_torchvision().datasets.FashionMNIST, CLOTHES)
