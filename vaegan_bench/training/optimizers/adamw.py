"""AdamW."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from vaegan_bench.api import Optimizer, ParameterGroups, Schedule
from vaegan_bench.training.schedules.constant import Constant


@dataclass(frozen=True, kw_only=True)
class AdamW(Optimizer):
    """Adam with decoupled weight decay (Loshchilov & Hutter, 2019, algorithm 2).

    Adam normalises the size of the gradient, so the decay is not part of it: each step shrinks weights by the factor
    1 − lr · weight_decay.
    """

    name = "adamw"
    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    weight_decay: float = 1e-2
    schedule: Schedule = Constant()
    clip: float | None = None

    def build(self, groups: ParameterGroups) -> torch.optim.Optimizer:
        """`torch.optim.AdamW`, fused."""
        return torch.optim.AdamW(groups, lr=self.lr, betas=(self.beta1, self.beta2), fused=True)
