"""Adam."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from vaegan_bench.api import Optimizer, ParameterGroups, Schedule
from vaegan_bench.training.schedules.constant import Constant


@dataclass(frozen=True, kw_only=True)
class Adam(Optimizer):
    """Adam (Kingma & Ba, 2015, algorithm 1)."""

    name = "adam"
    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    weight_decay: float = 0.0
    schedule: Schedule = Constant()
    clip: float | None = None

    def build(self, groups: ParameterGroups) -> torch.optim.Optimizer:
        """`torch.optim.Adam`, fused."""
        return torch.optim.Adam(groups, lr=self.lr, betas=(self.beta1, self.beta2), fused=True)
