"""A feature network of my own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from vaegan_bench.api import Data, Extractor, FeatureNetwork, Features, Plugin, Progress, hookimpl, silent


@dataclass(frozen=True, kw_only=True)
class MyPlugin(Extractor):
    """Brightness by places, without any training: write here, in one line, what yours is."""

    name = "my-plugin"
    places: int = 8

    def open(self, data: Data, cache: Path, device: torch.device, progress: Progress = silent) -> FeatureNetwork:
        """Load weights here; raise `ExtractorError` where they are missing, and say which file belongs where."""
        return Pooled(name=str(self), digest=f"no weights, {self.places} places", places=self.places, device=device)


@dataclass
class Pooled:
    """The opened extractor."""

    name: str
    digest: str
    places: int
    device: torch.device
    protocol: Mapping[str, str] = field(default_factory=lambda: {"resize": "average pooling", "dtype": "float32"})
    columns: tuple[str, ...] = ()

    def __call__(self, images_NCHW: Tensor, progress: Progress = silent) -> Features:
        """(N, places²) features of uint8 images; no logits."""
        grey = images_NCHW.to(self.device).float().mean(1, keepdim=True) / 255
        features = adaptive_avg_pool2d(grey, self.places).flatten(1)
        return Features(features, features.new_empty(len(features), 0))


@hookimpl
def vaegan_bench_plugins() -> list[type[Plugin]]:
    """Register it."""
    return [MyPlugin]
