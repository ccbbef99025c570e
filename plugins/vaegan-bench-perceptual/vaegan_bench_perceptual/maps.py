"""A distance between the activations of a pretrained network at each place."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from vaegan_bench.api import Extractor, Prediction, ReconstructionLoss
from vaegan_bench.metrics.extractors.efflite0 import EffLite0
from vaegan_bench_perceptual.features import levels, opened


@dataclass(frozen=True, kw_only=True)
class PerceptualDistance(ReconstructionLoss):
    """Squared distance of a frozen network's maps, normalised at each place (Zhang et al., 2018, eq. 1).

    All channels weigh the same: the paper also fits a weight for each to people's judgements, for networks of its own.
    """

    name = "perceptual"
    pixels_only = True
    extractor: Extractor = EffLite0()
    """The network, float32 in any precision of training; it must have maps."""
    pixels: ReconstructionLoss | None = None
    """A loss of pixels to add."""

    def __post_init__(self) -> None:
        if not self.extractor.has_maps:
            raise ValueError(f"extractor must show maps, and '{self.extractor.name}' does not; efflite0 does")
        if self.extractor.learns:
            raise ValueError(f"extractor must come with its weights, and '{self.extractor.name}' learns from the data")

    def __call__(self, prediction: Prediction, target: Tensor) -> Tensor:
        """Σ over maps of the mean over places of ‖φ̂(prediction) − φ̂(target)‖², times C·H·W, plus `pixels`; (B,).

        Raises `ExtractorError` where weights are missing.
        """
        network = opened(self.extractor, target.device)
        with torch.autocast(target.device.type, enabled=False):
            shown = network.maps(levels(prediction.mean))
            with torch.no_grad():  # the target is data: its network's activations need not be kept
                wanted = network.maps(levels(target))
        distances = [difference_of(a_BChw, b_BChw) for a_BChw, b_BChw in zip(shown, wanted, strict=True)]
        distance_B = torch.stack(distances).sum(0) * target[0].numel()
        # All of it is float32, as the network is: checks take the type of the value for its precision.
        return distance_B if self.pixels is None else distance_B + self.pixels(prediction, target).float()


def difference_of(a_BChw: Tensor, b_BChw: Tensor) -> Tensor:
    """The squared distance of two maps whose channels have length 1 at each place, averaged over places; (B,)."""
    return (normalize(a_BChw, dim=1) - normalize(b_BChw, dim=1)).square().sum(1).mean((1, 2))
