"""torch-fidelity's Inception: the only network whose Fréchet distance may be called FID."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn

from vaegan_bench.api import Data, Extractor, FeatureNetwork, Progress, silent
from vaegan_bench.metrics.extractors.folding import fold_batch_norm
from vaegan_bench.metrics.extractors.frozen_network import Forward, FrozenNetwork, to_rgb
from vaegan_bench.metrics.extractors.published_weights import (
    PublishedWeights,
    WeightsFile,
    file_at,
    known_file,
    not_weights_of,
    plain_tensors,
)
from vaegan_bench.system.vision import load_torch_fidelity

FILE = "weights-inception-2015-12-05-6726825d.pth"
KNOWN = PublishedWeights(
    extractor="inception",
    url=f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{FILE}",
    sha256="6726825d",
    file=FILE,
)
PROTOCOL = {"resize": "bilinear (TensorFlow 1) 299x299", "dtype": "float32"}
NETWORK = "inception-v3-compat"
WANTED = ["2048", "logits_unbiased"]
ACCEPT = ", or accept this file with any_weights=true, and columns carry its hash, because its distance is no FID"


@dataclass(frozen=True, kw_only=True)
class Inception(Extractor):
    """2048 pooled features and 1008 unbiased logits of the TensorFlow Inception of 2015, as in torch-fidelity.

    The network of the FID (Heusel et al., 2017) and of the inception score (Salimans et al., 2016).
    """

    name: ClassVar[str] = "inception"
    classes: ClassVar[bool] = True

    weights: str | None = None
    """A file of its weights in torch-fidelity's format; by default the one in torch.hub's folder, fetched if absent."""
    any_weights: bool = False
    """Accept weights other than the known ones; columns then carry their hash: only the known ones give the FID."""

    def open(self, data: Data, cache: Path, device: torch.device, progress: Progress = silent) -> FeatureNetwork:
        """Load the network; `data` and `cache` are not used.

        Raises `ExtractorError` where the weights are neither there nor to be fetched, are damaged, or are not the known
        ones.
        """
        found = self._file(progress)
        known = found.digest.startswith(KNOWN.sha256)
        return FrozenNetwork(
            name=self.name if known else f"{self.name}-{found.digest[:8]}",
            digest=found.digest,
            protocol=PROTOCOL,
            forward=_forward(_network(found.path).to(device)),
            device=device,
            batch=8 if device.type == "cpu" else 128,
        )

    def _file(self, progress: Progress) -> WeightsFile:
        if self.any_weights and self.weights is not None:
            return file_at(self.weights, KNOWN)
        return known_file(KNOWN, self.weights, progress, also=ACCEPT)


def _network(path: Path) -> nn.Module:
    # torch-fidelity unpickles whatever the file holds; a file of plain tensors can do no harm.
    plain_tensors(path, Inception.name)
    build = load_torch_fidelity().FeatureExtractorInceptionV3
    try:
        with torch.random.fork_rng(devices=[]):
            network = build(NETWORK, WANTED, feature_extractor_weights_path=str(path))
    except Exception as error:  # tensors of other names or shapes, or no mapping at all
        raise not_weights_of(path, Inception.name) from error
    return fold_batch_norm(network).to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def _forward(network: nn.Module) -> Forward:
    def forward(images_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        features_BF, logits_BK = network(to_rgb(images_BCHW).contiguous(memory_format=torch.channels_last))
        return features_BF, logits_BK

    return forward
