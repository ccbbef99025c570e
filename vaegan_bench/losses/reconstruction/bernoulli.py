"""Bernoulli likelihood of pixels."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from vaegan_bench.api import PluginError, Prediction, ReconstructionLoss


@dataclass(frozen=True, kw_only=True)
class Bernoulli(ReconstructionLoss):
    """Bernoulli likelihood of pixels read as probabilities (Kingma & Welling, 2014, appendix C.1)."""

    name = "bernoulli"
    pixels_only = True

    def __call__(self, prediction: Prediction, target: Tensor) -> Tensor:
        """Cross-entropy of (target + 1)/2 under p = (tanh(a) + 1)/2 = sigmoid(2a), from the logits; (B,)."""
        if prediction.logits is None:
            raise PluginError("bernoulli compares pixels; features of a discriminator have no logits.")
        probability = 0.5 * (target + 1)
        nll = binary_cross_entropy_with_logits(2 * prediction.logits, probability, reduction="none")
        return nll.flatten(1).sum(1)
