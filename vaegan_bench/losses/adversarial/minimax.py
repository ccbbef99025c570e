"""The original minimax game."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from vaegan_bench.api import AdversarialLoss, Versus, at_least


def negative_log_probability(logits_V: Tensor, epsilon: float) -> Tensor:
    """−log(sigmoid(logits) + ε); from the logits, so that ε = 0 is exact for any logit; (V,)."""
    log_p = logsigmoid(logits_V)
    return -log_p if epsilon == 0 else -torch.logaddexp(log_p, log_p.new_full((), math.log(epsilon)))


@dataclass(frozen=True, kw_only=True)
class Minimax(AdversarialLoss):
    """The zero-sum game: the generator maximises the discriminator's cross-entropy (Goodfellow et al., 2014, eq. 1)."""

    name = "minimax"
    epsilon: float = 0.0
    """Added inside the logarithms; the code of Larsen et al. has 1e-3."""
    real_weight: float | None = None
    """The share w of real images in the discriminator's cost: w·real + (1 − w)·mean over batches of fakes.

    By default the costs of all batches are summed; in the generator's cost they always are. The code of Larsen et al.
    has 0.66 in the version of the preprint, and 0.5 (LFW: 0.33) in the last one, and takes the shares out of the
    decoder's gradient."""

    def __post_init__(self) -> None:
        at_least(self, epsilon=0)
        if self.real_weight is not None and not 0 < self.real_weight < 1:
            raise ValueError(f"real_weight must be in (0, 1), not {self.real_weight}")

    def __call__(self, real_V: Tensor, fakes_V: Sequence[Tensor]) -> Versus:
        """Discriminator: −log D(x) − Σ log(1 − D(fake)), weighted by `real_weight`; generator: minus the plain sum.

        L_GAN of Larsen et al. (2016).
        """
        real = negative_log_probability(real_V, self.epsilon)
        fakes = sum((negative_log_probability(-fake, self.epsilon) for fake in fakes_V), torch.zeros_like(real))
        cost = total = real + fakes
        if self.real_weight is not None:
            cost = self.real_weight * real + (1 - self.real_weight) / len(fakes_V) * fakes
        return Versus(discriminator_V=cost, generator_V=-total)
