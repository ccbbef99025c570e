"""A learning rate that stays."""

from __future__ import annotations

from dataclasses import dataclass

from vaegan_bench.api import Schedule


@dataclass(frozen=True, kw_only=True)
class Constant(Schedule):
    """The same learning rate throughout."""

    name = "constant"

    def __call__(self, lr: float, step: int, steps: int) -> float:
        """`lr`, whatever the step."""
        return lr
