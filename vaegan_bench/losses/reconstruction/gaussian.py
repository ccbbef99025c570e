"""Gaussian likelihood with a fixed σ."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vaegan_bench.api import Prediction, ReconstructionLoss


def gaussian_nll(mean: Tensor, log_sigma: Tensor, target: Tensor) -> Tensor:
    """−log N(target | mean, σ²) in nats, summed over all dimensions but the first; (B,)."""
    standardised = (target - mean) * torch.exp(-log_sigma)
    nll = 0.5 * standardised.square() + log_sigma + 0.5 * math.log(2 * math.pi)
    return nll.flatten(1).sum(1)


@dataclass(frozen=True, kw_only=True)
class Gaussian(ReconstructionLoss):
    """Gaussian likelihood with a fixed σ (Kingma & Welling, 2014, appendix C.2)."""

    name = "gaussian"
    density = True
    sigma: float = 1.0
    """The standard deviation, in the units of the target: images are in [-1, 1]."""

    def __post_init__(self) -> None:
        if self.sigma <= 0:
            raise ValueError(f"sigma must be positive, not {self.sigma}")

    def __call__(self, prediction: Prediction, target: Tensor) -> Tensor:
        """−log N(target | mean, σ²); (B,)."""
        log_sigma = target.new_full((), math.log(self.sigma))  # filled on the device, so that it need not wait
        return gaussian_nll(prediction.mean, log_sigma, target)
