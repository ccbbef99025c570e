"""How players move: optimizers, and the schedules of learning rates and of coefficients."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import torch

from vaegan_bench.api.plugin import Plugin

ParameterGroups = list[dict[str, Any]]
"""As `torch.optim` takes them: {'params': [...], 'weight_decay': ...}."""


class Optimizer(Plugin):
    """The update rule of a study's players, or of one of them."""

    kind: ClassVar[str] = "optimizer"
    lr: float
    """The learning rate at the start."""
    schedule: Schedule
    """How the learning rate changes over the run."""
    weight_decay: float
    """L2 penalty on weights with two or more dimensions: convolutions and linear layers, not norms and biases."""

    @abstractmethod
    def build(self, groups: ParameterGroups) -> torch.optim.Optimizer:
        """The torch optimizer of one player."""


class Schedule(Plugin):
    """A learning rate, or the factor of a term's coefficient, over a run."""

    kind: ClassVar[str] = "schedule"

    @abstractmethod
    def __call__(self, base: float, step: int, steps: int) -> float:
        """The value at `step` of `steps`; `base` is the optimizer's learning rate, or 1 for a coefficient."""
