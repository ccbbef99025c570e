"""Gaussian likelihood whose σ the decoder predicts per pixel."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from vaegan_bench.api import PluginError, Prediction, ReconstructionLoss
from vaegan_bench.losses.reconstruction.gaussian import gaussian_nll


@dataclass(frozen=True, kw_only=True)
class GaussianPredicted(ReconstructionLoss):
    """Gaussian likelihood with σ_θ(z) per pixel, from the decoder (Kingma & Welling, 2014, appendix C.2)."""

    name = "gaussian-predicted"
    scale = "predicted"
    pixels_only = True
    density = True

    def __call__(self, prediction: Prediction, target: Tensor) -> Tensor:
        """−log N(target | mean, σ_θ(z)²); (B,)."""
        if prediction.log_sigma is None:
            raise PluginError("gaussian-predicted needs a decoder with a second head for log σ; this one has none.")
        return gaussian_nll(prediction.mean, prediction.log_sigma, target)
