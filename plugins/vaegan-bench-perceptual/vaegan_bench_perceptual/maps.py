"""A distance between the activations of a pretrained network at each place."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from vaegan_bench.api import Extractor, MapNetwork, Prediction, ReconstructionLoss
from vaegan_bench.metrics.extractors.efflite0 import EffLite0
from vaegan_bench_perceptual.channel_weights import channel_weights, matching
from vaegan_bench_perceptual.features import levels, opened


@dataclass(frozen=True, kw_only=True)
class PerceptualDistance(ReconstructionLoss):
    """Squared distance of a frozen network's maps, normalised at each place (Zhang et al., 2018, eq. 1).

    With `extractor=vgg16-maps` and `channels=lpips` it is LPIPS, times the number of values.
    """

    name = "perceptual"
    pixels_only = True
    extractor: Extractor = EffLite0()
    """The network, float32 in any precision of training; it must have maps."""
    channels: str | None = None
    """Weights of channels: 'lpips', or a file of a tensor for each map; by default all channels weigh the same."""
    pixels: ReconstructionLoss | None = None
    """A loss of pixels to add."""

    def __post_init__(self) -> None:
        require_maps(self.extractor)
        if self.extractor.learns:
            raise ValueError(f"extractor must come with its weights, and '{self.extractor.name}' learns from the data")

    def __call__(self, prediction: Prediction, target: Tensor) -> Tensor:
        """The distance of `map_distance` times C·H·W, plus `pixels`; (B,).

        Raises `ExtractorError` where weights are missing, `PluginError` where those of channels belong to other maps.
        """
        network = opened(self.extractor, target.device)
        with torch.autocast(target.device.type, enabled=False):
            distance_B = map_distance(network, levels(prediction.mean), levels(target), self.channels)
        distance_B = distance_B * target[0].numel()
        # All of it is float32, as the network is: checks take the type of the value for its precision.
        return distance_B if self.pixels is None else distance_B + self.pixels(prediction, target).float()


def require_maps(extractor: Extractor) -> None:
    """Raises `ValueError` for an extractor without maps."""
    if not extractor.has_maps:
        raise ValueError(f"extractor must show maps, and '{extractor.name}' does not; efflite0 does")


def map_distance(network: MapNetwork, shown_BCHW: Tensor, wanted_BCHW: Tensor, channels: str | None) -> Tensor:
    """Σ over maps of the mean over places of Σ_c w_c (φ̂(shown) − φ̂(wanted))², of images in [0, 255]; (B,).

    φ̂ has length 1 at each place. No gradient reaches `wanted_BCHW`. Raises as the loss does.
    """
    shown = network.maps(shown_BCHW)
    with torch.no_grad():  # activations need not be kept
        wanted = network.maps(wanted_BCHW)
    weights: tuple[Tensor | None, ...] = (None,) * len(shown)
    if channels is not None:
        weights = matching(channel_weights(channels, shown_BCHW.device), shown, channels)
    return torch.stack([difference_of(*each) for each in zip(shown, wanted, weights, strict=True)]).sum(0)


def difference_of(a_BChw: Tensor, b_BChw: Tensor, weight_C: Tensor | None = None) -> Tensor:
    """The squared distance of two maps whose channels have length 1 at each place, averaged over places; (B,)."""
    squared_BChw = (normalize(a_BChw, dim=1) - normalize(b_BChw, dim=1)).square()
    if weight_C is not None:
        squared_BChw = squared_BChw * weight_C[:, None, None]
    return squared_BChw.sum(1).mean((1, 2))
