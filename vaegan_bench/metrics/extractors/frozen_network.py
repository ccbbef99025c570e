"""The feature network with fixed weights that every built-in extractor opens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from vaegan_bench.api import ExtractorError, Features, Progress, silent
from vaegan_bench.system.device import exact_convolutions

Forward = Callable[[Tensor], tuple[Tensor, Tensor]]
"""uint8 images (B, C, H, W) on the network's device → features (B, F) and logits (B, K)."""


Maps = Callable[[Tensor], list[Tensor]]
"""Float images (B, C, H, W) with levels in [0, 255] → activations at several depths, (B, C_l, h_l, w_l) each."""


def no_maps(images_BCHW: Tensor) -> list[Tensor]:
    """The `maps` of an extractor that shows no activations; raises `ExtractorError`."""
    raise ExtractorError("This extractor shows no maps: choose one that does, such as efflite0.")


@dataclass(eq=False, kw_only=True)
class FrozenNetwork:
    """The `FeatureNetwork` of all built-in extractors: a function of one batch, walked over all images."""

    name: str
    """Its name in columns and progress bars."""
    digest: str
    """SHA-256 of the weights, in hexadecimal."""
    protocol: Mapping[str, str]
    """How images reach the network: 'resize' and 'dtype'."""
    forward: Forward
    device: torch.device
    batch: int
    """Images per forward pass; large enough for the device, small enough for its caches."""
    columns: tuple[str, ...] = ()
    """The names of the logits, where they mean attributes."""
    held_out_auc: Mapping[str, float] = field(default_factory=dict)
    """Of a network trained here: area under the ROC curve per column, on images kept out of its training."""
    maps: Maps = no_maps
    """Activations at several depths, of extractors that have them."""

    def __call__(self, images_NCHW: Tensor, progress: Progress = silent) -> Features:
        """Features and logits of uint8 images (N, 1 or 3, H, W), float32 on the network's device.

        Raises `ExtractorError` where there are no images.
        """
        total = len(images_NCHW)
        if total == 0:
            raise ExtractorError(f"Extractor '{self.name}' was given no images.")
        parts = []
        with torch.no_grad(), exact_convolutions():
            for images in images_NCHW.split(self.batch):
                parts.append([out.float() for out in self.forward(images.to(self.device))])
                progress(f"{self.name} features", min(len(parts) * self.batch, total), total)
        features, logits = (torch.cat(column) for column in zip(*parts, strict=True))
        return Features(features, logits)


def to_rgb(images_NCHW: Tensor) -> Tensor:
    """Repeat the channel of grey images: (N, 1 or 3, H, W) → (N, 3, H, W), of any type."""
    return images_NCHW.expand(-1, 3, -1, -1)


def features_only(features: Callable[[Tensor], Tensor]) -> Forward:
    """The forward pass of a network that knows no classes, from its function of RGB images; logits are (B, 0)."""

    def forward(images_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        features_BF = features(to_rgb(images_BCHW))
        return features_BF, features_BF.new_empty(len(features_BF), 0)

    return forward
