"""A constant value."""

from __future__ import annotations

from dataclasses import dataclass

from vaegan_bench.api import Schedule


@dataclass(frozen=True, kw_only=True)
class Constant(Schedule):
    """The same value throughout."""

    name = "constant"
    value: float = 1.0
    """The factor that multiplies the base."""

    def __call__(self, base: float, step: int, steps: int) -> float:
        """`value` times `base`, whatever the step."""
        return self.value * base
