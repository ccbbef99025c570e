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
    """Decay of weights with two or more dimensions: convolutions and linear layers, not norms and biases."""
    clip: float | None = None
    """The norm that a player's gradient, over all of its weights, is scaled down to (Pascanu et al., 2013); none leaves
    it as it is. The harness does it, so that `build` need not."""

    def __post_init__(self) -> None:
        if self.clip is not None and not self.clip > 0:
            raise ValueError(f"clip must be above 0, or none, not {self.clip}")

    @abstractmethod
    def build(self, groups: ParameterGroups) -> torch.optim.Optimizer:
        """The torch optimizer of one player."""


class Schedule(Plugin):
    """A learning rate, or the factor of a term's coefficient, over a run."""

    kind: ClassVar[str] = "schedule"

    @abstractmethod
    def __call__(self, base: float, step: int, steps: int) -> float:
        """The value at `step` of `steps`; `base` is the optimizer's learning rate, or 1 for a coefficient."""
