"""The Kullback–Leibler divergence to the standard normal."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vaegan_bench.api import Posterior, PriorLoss, at_least


def kl_per_dimension(posterior: Posterior) -> Tensor:
    """KL(q(z_d|x) ‖ N(0, 1)) in nats (Kingma & Welling, 2014, appendix B); (B, Z)."""
    mu, logvar = posterior
    return -0.5 * (1 + logvar - mu.square() - logvar.exp())


@dataclass(frozen=True, kw_only=True)
class KL(PriorLoss):
    """KL(q(z|x) ‖ N(0, I)), with free bits; β is the coefficient of the term."""

    name = "kl"
    free_bits: float = 0.0
    """λ in nats: no dimension is rewarded for a batch-mean KL below it (Kingma et al., 2016)."""

    def __post_init__(self) -> None:
        at_least(self, free_bits=0)

    def __call__(self, posterior: Posterior, z_BZ: Tensor, noise: torch.Generator) -> Tensor:
        """The divergence summed over latent dimensions; (B,)."""
        kl_BZ = kl_per_dimension(posterior)
        if self.free_bits > 0:
            # The bound is on the batch mean: a dimension below λ counts as λ, and has no gradient.
            below_Z = kl_BZ.mean(0) < self.free_bits
            kl_BZ = kl_BZ.masked_fill(below_Z, self.free_bits)
        return kl_BZ.sum(1)
