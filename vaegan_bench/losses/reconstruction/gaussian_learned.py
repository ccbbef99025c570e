"""Gaussian likelihood with one learned σ."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from vaegan_bench.api import PluginError, Prediction, ReconstructionLoss
from vaegan_bench.losses.reconstruction.gaussian import gaussian_nll


@dataclass(frozen=True, kw_only=True)
class GaussianLearned(ReconstructionLoss):
    """Gaussian likelihood whose single σ is learned with the weights (Rybkin et al., 2021)."""

    name = "gaussian-learned"
    scale = "learned"
    density = True

    def __call__(self, prediction: Prediction, target: Tensor) -> Tensor:
        """−log N(target | mean, σ²) with the learned scalar σ; (B,)."""
        if prediction.log_sigma is None:
            raise PluginError("gaussian-learned needs a model that owns the role 'scale'; this one does not.")
        return gaussian_nll(prediction.mean, prediction.log_sigma, target)
