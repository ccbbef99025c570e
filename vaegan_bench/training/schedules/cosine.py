"""Cosine annealing."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vaegan_bench.api import Schedule


@dataclass(frozen=True, kw_only=True)
class Cosine(Schedule):
    """Goes from its base to `end` along half a cosine (Loshchilov & Hutter, 2017, eq. 5)."""

    name = "cosine"
    end: float = 0.0
    """The value at the end."""

    def __call__(self, base: float, step: int, steps: int) -> float:
        """end + ½(base − end)(1 + cos(π·step/steps))."""
        return self.end + 0.5 * (base - self.end) * (1 + math.cos(math.pi * step / steps))
