"""Structural similarity at one scale."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from vaegan_bench.api import Prediction, ReconstructionLoss
from vaegan_bench_perceptual.local_statistics import similarity


@dataclass(frozen=True, kw_only=True)
class SSIM(ReconstructionLoss):
    """1 − SSIM with a Gaussian window of 11×11 (Wang et al., 2004, eq. 13), times the number of values.

    Unlike a likelihood it has no units: choose the coefficient of its term to balance it with the prior.
    """

    name = "ssim"
    pixels_only = True

    def __call__(self, prediction: Prediction, target: Tensor) -> Tensor:
        """(1 − SSIM)·C·H·W with the mean of SSIM over channels and places; from 0 for equal images; (B,).

        Raises `PluginError` for images smaller than the window.
        """
        luminance, structure = similarity(prediction.mean, target)
        return (1 - (luminance * structure).flatten(1).mean(1)) * target[0].numel()
