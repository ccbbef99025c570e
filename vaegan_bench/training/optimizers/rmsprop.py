"""RMSProp."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from vaegan_bench.api import Optimizer, ParameterGroups, Schedule
from vaegan_bench.training.schedules.constant import Constant


@dataclass(frozen=True, kw_only=True)
class RMSProp(Optimizer):
    """RMSProp with the settings of Larsen et al. (2016).

    Their code adds 2 · 1e-5 times the weights to gradients that are sums over 64 images, and 1e-8 to the root of their
    mean square; our gradients are means.
    """

    name = "rmsprop"
    lr: float = 3.125e-4
    decay: float = 0.9
    epsilon: float = 1e-8 / 64
    weight_decay: float = 2 * 1e-5 / 64
    schedule: Schedule = Constant()
    clip: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.decay < 1:
            raise ValueError(f"decay must be in [0, 1), not {self.decay}")

    def build(self, groups: ParameterGroups) -> torch.optim.Optimizer:
        """`torch.optim.RMSprop`."""
        return torch.optim.RMSprop(groups, lr=self.lr, alpha=self.decay, eps=self.epsilon, foreach=True)
