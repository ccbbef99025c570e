"""VGG-16 as torch-fidelity has it: features of a network trained to tell ImageNet's classes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import nn

from vaegan_bench.api import Data, Extractor, FeatureNetwork, Progress, silent
from vaegan_bench.metrics.extractors.frozen_network import FrozenNetwork, features_only
from vaegan_bench.metrics.extractors.published_weights import PublishedWeights, known_file, plain_tensors
from vaegan_bench.system.vision import load_torch_fidelity

FILE = "vgg16-397923af.pth"
KNOWN = PublishedWeights(
    extractor="vgg16", url=f"https://download.pytorch.org/models/{FILE}", sha256="397923af", file=FILE
)
PROTOCOL = {"resize": "bilinear (TensorFlow 1) 224x224", "dtype": "float32"}


@dataclass(frozen=True, kw_only=True)
class VGG16(Extractor):
    """4096 activations (≥ 0) of the last hidden layer of VGG-16 (Simonyan & Zisserman, 2015), without classes.

    Images are resized to 224×224 (bilinear as in TensorFlow 1, no antialiasing). torchvision's weights.
    """

    name: ClassVar[str] = "vgg16"

    weights: str | None = None
    """The file that torchvision publishes; by default the one in torch.hub's folder, fetched if absent."""

    def open(self, data: Data, cache: Path, device: torch.device, progress: Progress = silent) -> FeatureNetwork:
        """Load the network; `data` and `cache` are not used.

        Raises `ExtractorError` where the weights are neither there nor to be fetched, or are not the known ones.
        """
        found = known_file(KNOWN, self.weights, progress)
        network = _network(found.path).to(device)
        return FrozenNetwork(
            name=self.name,
            digest=found.digest,
            protocol=PROTOCOL,
            forward=features_only(lambda images_BCHW: network(images_BCHW)[0]),
            device=device,
            batch=8 if device.type == "cpu" else 128,
        )


def _network(path: Path) -> nn.Module:
    # torch-fidelity unpickles whatever the file holds; a file of plain tensors can do no harm.
    plain_tensors(path, KNOWN.extractor)
    build = load_torch_fidelity().FeatureExtractorVGG16
    with torch.random.fork_rng(devices=[]):
        network: nn.Module = build(KNOWN.extractor, ["fc2_relu"], feature_extractor_weights_path=str(path))
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]
