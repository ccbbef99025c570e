"""Plugins that only tests need."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from vaegan_bench.api import Optimizer, ParameterGroups, Schedule
from vaegan_bench.schedules.constant import Constant


@dataclass(frozen=True, kw_only=True)
class PlainDescent(Optimizer):
    """w ← w − lr·g, so that tests can foretell every step."""

    name = "plain-descent"
    lr: float = 0.1
    weight_decay: float = 0.0
    schedule: Schedule = Constant()

    def build(self, groups: ParameterGroups) -> torch.optim.Optimizer:
        return torch.optim.SGD(groups, lr=self.lr)
