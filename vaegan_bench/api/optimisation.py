"""How players are updated: optimizers, schedules of learning rates and of coefficients, and adaptive weights."""

from __future__ import annotations

import math
from abc import abstractmethod
from fractions import Fraction
from typing import Any, ClassVar

import torch

from vaegan_bench.api.plugin import Plugin

Span = int | str
"""A part of a run: a number of steps, or a share of all steps such as '40%'."""
ParameterGroups = list[dict[str, Any]]
"""As `torch.optim` takes them: {'params': [...], 'weight_decay': ...}."""


def steps_of(span: Span, steps: int, name: str = "a part of a run") -> float:
    """The number of steps in a span, for a run of `steps`; errors call the span `name`.

    Raises `ValueError` for a text that is not a span, and for a span below 0.
    """
    number, percent, rest = str(span).partition("%")
    try:
        value = float(number) if percent else int(number)
    except ValueError:
        value = math.nan
    if rest or not 0 <= value < math.inf:
        raise ValueError(
            f"{name} must be a number of steps such as 1000, or a share of the run such as 40%, not '{span}'"
        )
    return float(Fraction(number.strip()) * steps / 100) if percent else value


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
    it as it is. The harness clips, so that `build` need not."""

    def __post_init__(self) -> None:
        if self.clip is not None and not self.clip > 0:
            raise ValueError(f"clip must be above 0, or none, not {self.clip}")

    @abstractmethod
    def build(self, groups: ParameterGroups) -> torch.optim.Optimizer:
        """The torch optimizer of one player."""


class AdaptiveWeight(Plugin):
    """The factor of a term's coefficient, computed in every step from the gradients of terms at one layer."""

    kind: ClassVar[str] = "adaptive weight"

    @abstractmethod
    def __call__(self, own: float, others: float) -> float:
        """The factor, from two norms of gradients at the last layer of a player's network.

        `own` is the norm for the term alone, without its coefficient; `others` is the norm for all other terms that the
        player minimises, with their coefficients. The layer is the one that the networks name in `last_layers`.
        """


class Schedule(Plugin):
    """A learning rate, or the factor of a term's coefficient, over a run."""

    kind: ClassVar[str] = "schedule"

    @abstractmethod
    def __call__(self, base: float, step: int, steps: int) -> float:
        """The value at `step` of `steps`; `base` is the optimizer's learning rate, or 1 for a coefficient."""
