"""The KL divergence in three parts, one of them with a coefficient of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from vaegan_bench.api import Posterior, PriorLoss, at_least


@dataclass(frozen=True, kw_only=True)
class TotalCorrelation(PriorLoss):
    """Punishes dependence between dimensions of the code more than the rest of the KL (Chen et al., 2018, eq. 2).

    The density of all codes together is estimated from the batch. The paper's estimate differs by a constant, which
    depends on the size of the data set and has no gradient.
    """

    name = "total-correlation"
    of_batch: ClassVar[bool] = True
    beta: float = 6.0
    """β of the paper, the coefficient of the total correlation; at 1, the loss is the KL, from one draw per image."""

    def __post_init__(self) -> None:
        at_least(self, beta=0)

    def __call__(self, posterior: Posterior, z_BZ: Tensor, noise: torch.Generator) -> Tensor:
        """Mutual information + β·total correlation + KL of single dimensions, in nats; (B,)."""
        log_q_BBZ = log_normal(z_BZ[:, None], posterior.mu_BZ[None], posterior.logvar_BZ[None])
        of_own_B = torch.diagonal(log_q_BBZ, dim1=0, dim2=1).sum(0)
        of_all_B = log_mean_exp(log_q_BBZ.sum(2))
        of_dimensions_B = log_mean_exp(log_q_BBZ).sum(1)
        prior_B = log_normal(z_BZ, torch.zeros_like(z_BZ), torch.zeros_like(z_BZ)).sum(1)
        return of_own_B - of_all_B + self.beta * (of_all_B - of_dimensions_B) + of_dimensions_B - prior_B


def log_normal(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """log N(z; μ, σ²) of each dimension."""
    return -0.5 * (math.log(2 * math.pi) + logvar + (z - mu).square() / logvar.exp())


def log_mean_exp(log_BB: Tensor) -> Tensor:
    """The log of the mean density over the second dimension."""
    return torch.logsumexp(log_BB, dim=1) - math.log(log_BB.shape[1])
