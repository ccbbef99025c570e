"""Extractors that note each time they look at images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from vaegan_bench.api import Data, Extractor, FeatureNetwork, Progress, silent
from vaegan_bench.metrics.extractors.frozen_network import FrozenNetwork

calls: list[str] = []


@dataclass(frozen=True, kw_only=True)
class Brightness(Extractor):
    """The mean of each channel, times a field; it counts how often it looks at images."""

    name: ClassVar[str] = "brightness"
    times: float = 1.0

    def open(self, data: Data, cache: Path, device: torch.device, progress: Progress = silent) -> FeatureNetwork:
        def look(images_BCHW: Tensor) -> tuple[Tensor, Tensor]:
            calls.append("look")
            features_BF = self.times * images_BCHW.float().mean((2, 3))
            return features_BF, features_BF[:, :0]

        protocol = {"resize": "none", "dtype": "float32"}
        return FrozenNetwork(
            name=str(self), digest="d" * 64, protocol=protocol, forward=look, device=device, batch=1000
        )


made: list[str] = []


@dataclass(frozen=True, kw_only=True)
class Weighted(Extractor):
    """The mean level times a weight that stands in a file, as the weights of all extractors do."""

    name: ClassVar[str] = "weighted"
    file: str

    def open(self, data: Data, cache: Path, device: torch.device, progress: Progress = silent) -> FeatureNetwork:
        weight, digest, resize = Path(self.file).read_text().split()

        def look(images_BCHW: Tensor) -> tuple[Tensor, Tensor]:
            made.append("features")
            features_BF = float(weight) * images_BCHW.float().mean((2, 3))
            return features_BF, features_BF[:, :1]

        protocol = {"resize": resize, "dtype": "float32"}
        return FrozenNetwork(name="weighted", digest=digest, protocol=protocol, forward=look, device=device, batch=1000)
