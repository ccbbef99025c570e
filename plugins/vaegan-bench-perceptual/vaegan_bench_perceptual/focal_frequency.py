"""The squared error, frequency by frequency, with more weight on frequencies of larger errors."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vaegan_bench.api import Prediction, ReconstructionLoss, at_least


def spectrum_weights(energy_BCHW: Tensor, alpha: float) -> Tensor:
    """|F|^α of |F|², divided by the greatest of each image and channel: in [0, 1]; (B, C, H, W)."""
    greatest_BC11 = energy_BCHW.amax((2, 3), keepdim=True)
    # Equal images have no greatest frequency to divide by.
    relative = energy_BCHW / greatest_BC11.clamp(min=torch.finfo(energy_BCHW.dtype).tiny)
    return relative ** (alpha / 2)


@dataclass(frozen=True, kw_only=True)
class FocalFrequency(ReconstructionLoss):
    """Squared error in the Fourier domain, each frequency weighed by its own error (Jiang et al., 2021, section 3.3).

    The transform keeps sums of squares (Parseval), so α = 0 is the squared error of pixels.
    """

    name = "focal-frequency"
    pixels_only = True
    surrogate = True
    alpha: float = 1.0
    """α: how much more the frequencies with larger errors count."""

    def __post_init__(self) -> None:
        at_least(self, alpha=0)

    def __call__(self, prediction: Prediction, target: Tensor) -> Tensor:
        """Σ w(u, v)·|F(prediction) − F(target)|² over channels and frequencies; (B,)."""
        difference_BCHW = torch.fft.fft2(prediction.mean - target, norm="ortho")
        energy_BCHW: Tensor = difference_BCHW.real.square() + difference_BCHW.imag.square()
        # The paper locks the weights' gradient: they select frequencies, and are not to be minimised.
        weights_BCHW = spectrum_weights(energy_BCHW.detach(), self.alpha)
        return (weights_BCHW * energy_BCHW).flatten(1).sum(1)
