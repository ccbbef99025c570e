"""The maximum mean discrepancy between codes and prior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from vaegan_bench.api import Posterior, PriorLoss
from vaegan_bench.losses.prior.kl import kl_per_dimension

SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""The scales of the kernel, relative to the expected squared distance of two draws from the prior."""


@dataclass(frozen=True, kw_only=True)
class MaximumMeanDiscrepancy(PriorLoss):
    """Brings all codes together to the prior, so that each may still say much (InfoVAE; Zhao et al., 2019)."""

    name = "mmd"
    of_batch: ClassVar[bool] = True
    alpha: float = 1.0
    """α of the paper: 1 leaves the KL out, 0 keeps all of it."""
    strength: float = 100.0
    """λ of the paper."""

    def __post_init__(self) -> None:
        if self.alpha > 1:
            raise ValueError(f"alpha must be at most 1, not {self.alpha}: the KL would be rewarded")
        if self.strength < 1 - self.alpha:
            raise ValueError(
                f"strength must be at least 1 - alpha, not {self.strength}: the discrepancy would be rewarded"
            )

    def __call__(self, posterior: Posterior, z_BZ: Tensor, noise: torch.Generator) -> Tensor:
        """(1 − α)·KL + (α + λ − 1)·MMD²(codes, as many draws from the prior); (B,)."""
        prior_BZ = torch.randn(z_BZ.shape, generator=noise, device=z_BZ.device, dtype=z_BZ.dtype)
        value_B = (self.alpha + self.strength - 1) * discrepancy(z_BZ.to(posterior.mu_BZ), prior_BZ)
        return value_B if self.alpha == 1 else value_B + (1 - self.alpha) * kl_per_dimension(posterior).sum(1)


def discrepancy(a_BZ: Tensor, b_BZ: Tensor) -> Tensor:
    """Terms of the unbiased estimate of MMD² (Gretton et al., 2012, eq. 3), one per place; (B,), whose mean is MMD².

    A batch of one image has no pairs of codes, and their part is then 0.
    """
    others = max(len(a_BZ) - 1, 1)
    within_B = sum((_kernel(x_BZ, x_BZ).fill_diagonal_(0).sum(1) / others for x_BZ in (a_BZ, b_BZ)), a_BZ.new_zeros(()))
    between_BB = _kernel(a_BZ, b_BZ)
    return within_B - between_BB.mean(1) - between_BB.mean(0)


def _kernel(a_BZ: Tensor, b_BZ: Tensor) -> Tensor:
    """Σ C/(C + ‖a − b‖²), the inverse multiquadratics of Tolstikhin et al. (2018, §4), with C = 2·Z·scale; (B, B)."""
    squared_BB = (a_BZ[:, None] - b_BZ[None]).square().sum(2)
    widths = [2 * a_BZ.shape[1] * scale for scale in SCALES]
    return torch.stack([width / (width + squared_BB) for width in widths]).sum(0)
