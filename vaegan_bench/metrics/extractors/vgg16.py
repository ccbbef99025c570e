"""VGG-16 as torch-fidelity has it: features of a network trained to tell ImageNet's classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn

from vaegan_bench.metrics.extractors.published_extractor import PublishedExtractor
from vaegan_bench.metrics.extractors.published_weights import PublishedWeights, plain_tensors
from vaegan_bench.system.vision import load_torch_fidelity

FILE = "vgg16-397923af.pth"
KNOWN = PublishedWeights(
    extractor="vgg16", url=f"https://download.pytorch.org/models/{FILE}", sha256="397923af", file=FILE
)
SIDE = 224


@dataclass(frozen=True, kw_only=True)
class VGG16(PublishedExtractor):
    """4096 activations (≥ 0) of the last hidden layer of VGG-16 (Simonyan & Zisserman, 2015), without classes.

    Images are resized to 224×224 (bilinear as in TensorFlow 1, no antialiasing). torchvision's weights.
    """

    name: ClassVar[str] = "vgg16"

    def published(self) -> PublishedWeights:
        """torchvision's file."""
        return KNOWN

    def load(self, path: Path, device: torch.device) -> tuple[Callable[[Tensor], Tensor], int]:
        """The network up to its last hidden layer."""
        network = _network(path).to(device)
        return lambda images_BCHW: network(images_BCHW)[0], SIDE


def _network(path: Path) -> nn.Module:
    # torch-fidelity unpickles whatever the file holds; a file of plain tensors can do no harm.
    plain_tensors(path, KNOWN.extractor)
    build = load_torch_fidelity().FeatureExtractorVGG16
    with torch.random.fork_rng(devices=[]):
        network: nn.Module = build(KNOWN.extractor, ["fc2_relu"], feature_extractor_weights_path=str(path))
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]
