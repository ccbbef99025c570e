"""The Kullback–Leibler divergence to the standard normal."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from vaegan_bench.api import Posterior, PriorLoss, at_least


def kl_per_dimension(posterior: Posterior) -> Tensor:
    """KL(q(z_d|x) ‖ N(0, 1)) in nats (Kingma & Welling, 2014, appendix B); (B, Z)."""
    mu, logvar = posterior
    return -0.5 * (1 + logvar - mu.square() - logvar.exp())


@dataclass(frozen=True, kw_only=True)
class KL(PriorLoss):
    """KL(q(z|x) ‖ N(0, I)) with a weight β, a warm-up and free bits."""

    name = "kl"
    beta: float = 1.0
    """The weight of the term (Higgins et al., 2017, eq. 4)."""
    warmup: int = 0
    """Steps over which the weight rises linearly from 0 to β (Sønderby et al., 2016)."""
    free_bits: float = 0.0
    """λ in nats: no dimension is rewarded for a batch-mean KL below it (Kingma et al., 2016)."""

    def __post_init__(self) -> None:
        at_least(self, warmup=0, free_bits=0)

    def __call__(self, posterior: Posterior) -> Tensor:
        """The divergence summed over latent dimensions; (B,), unweighted."""
        kl_BZ = kl_per_dimension(posterior)
        if self.free_bits > 0:
            # The bound holds for the batch mean: a dimension below λ gives λ, and with it no gradient.
            below_Z = kl_BZ.mean(0) < self.free_bits
            kl_BZ = kl_BZ.masked_fill(below_Z, self.free_bits)
        return kl_BZ.sum(1)

    def weight(self, step: int) -> float:
        """β, or the part of it that the warm-up has reached."""
        return self.beta if self.warmup == 0 else self.beta * min(1.0, step / self.warmup)
