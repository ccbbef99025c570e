"""Cosine annealing."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vaegan_bench.api import Schedule


@dataclass(frozen=True, kw_only=True)
class Cosine(Schedule):
    """Falls from lr to `end` along half a cosine (Loshchilov & Hutter, 2017, eq. 5)."""

    name = "cosine"
    end: float = 0.0
    """The learning rate at the end."""

    def __call__(self, lr: float, step: int, steps: int) -> float:
        """end + ½(lr − end)(1 + cos(π·step/steps))."""
        return self.end + 0.5 * (lr - self.end) * (1 + math.cos(math.pi * step / steps))
