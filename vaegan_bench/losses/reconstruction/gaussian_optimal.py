"""Gaussian likelihood with the σ that suits the batch best."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from vaegan_bench.api import Prediction, ReconstructionLoss
from vaegan_bench.losses.reconstruction.gaussian import gaussian_nll

SMALLEST_LOG_SIGMA = -5.0
"""The lower bound of log σ, where σ is a little less than one of 256 grey levels in [-1, 1]; σ = 0 would cost −∞."""


@dataclass(frozen=True, kw_only=True)
class GaussianOptimal(ReconstructionLoss):
    """Gaussian likelihood whose σ² is the batch's mean squared error, its optimum (Rybkin et al., 2021)."""

    name = "gaussian-optimal"

    def __call__(self, prediction: Prediction, target: Tensor) -> Tensor:
        """−log N(target | mean, σ⋆²) with σ⋆² the mean squared error of the whole batch; (B,)."""
        mse = (target - prediction.mean).square().mean()
        log_sigma = 0.5 * mse.clamp(min=math.exp(2 * SMALLEST_LOG_SIGMA)).log()
        return gaussian_nll(prediction.mean, log_sigma, target)
