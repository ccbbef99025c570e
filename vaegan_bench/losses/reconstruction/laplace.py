"""Laplace likelihood: the L1 loss."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from vaegan_bench.api import Prediction, ReconstructionLoss


@dataclass(frozen=True, kw_only=True)
class Laplace(ReconstructionLoss):
    """Laplace likelihood with a fixed scale b: the L1 loss, stated as a density."""

    name = "laplace"
    density = True
    b: float = 1.0
    """The scale, in the units of the target."""

    def __post_init__(self) -> None:
        if self.b <= 0:
            raise ValueError(f"b must be positive, not {self.b}")

    def __call__(self, prediction: Prediction, target: Tensor) -> Tensor:
        """|target − mean|/b + log 2b, summed over dimensions; (B,)."""
        nll = (target - prediction.mean).abs() / self.b + math.log(2 * self.b)
        return nll.flatten(1).sum(1)
