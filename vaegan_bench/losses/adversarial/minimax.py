"""The original minimax game."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from vaegan_bench.api import AdversarialLoss, Versus


def negative_log_probability(logits_B: Tensor, epsilon: float) -> Tensor:
    """−log(sigmoid(logits) + ε); from the logits, so that ε = 0 is exact for any logit; (B,)."""
    log_p = logsigmoid(logits_B)
    return -log_p if epsilon == 0 else -torch.logaddexp(log_p, log_p.new_tensor(math.log(epsilon)))


@dataclass(frozen=True, kw_only=True)
class Minimax(AdversarialLoss):
    """The zero-sum game: the generator maximises the discriminator's cross-entropy (Goodfellow et al., 2014, eq. 1)."""

    name = "minimax"
    epsilon: float = 0.0
    """Added inside the logarithms; the code of Larsen et al. has 1e-3."""

    def __call__(self, real_B: Tensor, fakes_B: Sequence[Tensor]) -> Versus:
        """−log D(x) − Σ log(1 − D(fake)), and its negative (L_GAN of Larsen et al., 2016)."""
        cost = negative_log_probability(real_B, self.epsilon)
        for fake in fakes_B:
            cost = cost + negative_log_probability(-fake, self.epsilon)
        return Versus(discriminator_B=cost, generator_B=-cost)
