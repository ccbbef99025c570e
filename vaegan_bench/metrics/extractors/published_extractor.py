"""The base of extractors of RGB images whose weights are published as one file."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from vaegan_bench.api import Data, Extractor, FeatureNetwork, Progress, silent
from vaegan_bench.metrics.extractors.frozen_network import FrozenNetwork, features_only
from vaegan_bench.metrics.extractors.published_weights import PublishedWeights, known_file


@dataclass(frozen=True, kw_only=True)
class PublishedExtractor(Extractor):
    """Features of RGB images, without classes, by a network whose weights are published.

    A subclass names the file, and builds the network from it.
    """

    weights: str | None = None
    """The published file; by default the one in torch.hub's folder, fetched if absent."""

    @abstractmethod
    def published(self) -> PublishedWeights:
        """The file that is published."""

    @abstractmethod
    def load(self, path: Path, device: torch.device) -> tuple[Callable[[Tensor], Tensor], int]:
        """The function from RGB images to features, from the weights at `path`, and the side that it resizes to.

        Raises `ExtractorError` where the file holds other weights.
        """

    def open(self, data: Data, cache: Path, device: torch.device, progress: Progress = silent) -> FeatureNetwork:
        """Load the network; `data` and `cache` are not used.

        Raises `ExtractorError` where the weights are neither there nor to be fetched, or are not the known ones.
        """
        found = known_file(self.published(), self.weights, progress)
        features, side = self.load(found.path, device)
        return FrozenNetwork(
            name=self.name,
            digest=found.digest,
            protocol={"resize": f"bilinear (TensorFlow 1) {side}x{side}", "dtype": "float32"},
            forward=features_only(features),
            device=device,
            batch=8 if device.type == "cpu" else 128,
        )
