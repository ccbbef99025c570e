"""A distance in the features of a pretrained network."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from vaegan_bench.api import Data, Extractor, PluginError, Prediction, ReconstructionLoss, Split
from vaegan_bench.metrics.extractors.efflite0 import EffLite0
from vaegan_bench.metrics.extractors.frozen_network import Forward, FrozenNetwork


@dataclass(frozen=True, kw_only=True)
class FeatureDistance(ReconstructionLoss):
    """Squared error of a frozen network's features (Johnson et al., 2016, eq. 2), times the number of values."""

    name = "features"
    pixels_only = True
    extractor: Extractor = EffLite0()
    """The network, float32 in any precision of training; it must come with its weights and have a derivative."""
    pixels: ReconstructionLoss | None = None
    """A loss of pixels to add: pooled features alone hold little information on places."""

    def __post_init__(self) -> None:
        if self.extractor.learns:
            raise ValueError(f"extractor must come with its weights, and '{self.extractor.name}' learns from the data")

    def __call__(self, prediction: Prediction, target: Tensor) -> Tensor:
        """Mean of (φ(prediction) − φ(target))² over features, times C·H·W, plus the loss of `pixels` if any; (B,).

        Raises `ExtractorError` where weights are missing, `PluginError` where the network has no derivative.
        """
        forward = opened(self.extractor, target.device).forward
        with torch.autocast(target.device.type, enabled=False):
            features_BF, _ = forward(levels(prediction.mean))
            with torch.no_grad():  # the target is data: its network's activations need not be kept
                wanted_BF, _ = forward(levels(target))
        error_B = (features_BF - wanted_BF).square().mean(1) * target[0].numel()
        # All of it is float32, as the network is: checks take the type of the value for its precision.
        return error_B if self.pixels is None else error_B + self.pixels(prediction, target).float()


def levels(x_BCHW: Tensor) -> Tensor:
    """Images in [-1, 1] to [0, 255], as extractors take them; not rounded, for the sake of the gradient."""
    return (x_BCHW + 1) * 127.5


@lru_cache(maxsize=4)
def opened(extractor: Extractor, device: torch.device) -> FrozenNetwork:
    """The extractor's network, opened at its first use on a device and kept.

    Raises `PluginError` where it has no derivative.
    """
    none = Split(torch.empty(0, 3, 32, 32, dtype=torch.uint8), torch.empty(0, 0, dtype=torch.bool))
    network = extractor.open(Data(none, none, digest="none"), Path(torch.hub.get_dir()), device)
    if not isinstance(network, FrozenNetwork):
        raise PluginError(f"Extractor '{extractor}' shows no function of one batch: choose another, such as efflite0.")
    _require_derivative(extractor, network.forward, device)
    return network


def _require_derivative(extractor: Extractor, forward: Forward, device: torch.device) -> None:
    """Refuse networks that take whole levels only, or round to them."""
    image = torch.full((1, 3, 32, 32), 127.0, device=device, requires_grad=True)
    refused = f"Extractor '{extractor}' has no derivative in the image"
    try:
        with torch.enable_grad():
            features_BF, _ = forward(image)
    except Exception as error:  # a third-party network may raise anything
        raise PluginError(f"{refused} ({error}): choose another, such as efflite0.") from error
    if not features_BF.requires_grad:
        raise PluginError(f"{refused}: choose another, such as efflite0.")
