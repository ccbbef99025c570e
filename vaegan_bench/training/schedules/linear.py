"""A linear warm-up, or a linear fall."""

from __future__ import annotations

from dataclasses import dataclass

from vaegan_bench.api import Schedule, at_least


@dataclass(frozen=True, kw_only=True)
class Linear(Schedule):
    """Goes from `start` to `end` times its base in a straight line, and stays there (Sønderby et al., 2016)."""

    name = "linear"
    start: float = 0.0
    end: float = 1.0
    over: int = 1000
    """Steps from one to the other."""
    after: int = 0
    """Steps at `start` before it begins."""

    def __post_init__(self) -> None:
        at_least(self, over=1, after=0)

    def __call__(self, base: float, step: int, steps: int) -> float:
        """base · (start + (end − start)·r), with r the share of the way that is behind."""
        gone = min(1.0, max(0, step - self.after) / self.over)
        return base * (self.start + (self.end - self.start) * gone)
