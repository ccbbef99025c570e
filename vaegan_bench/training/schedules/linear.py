"""A linear increase or decrease."""

from __future__ import annotations

from dataclasses import dataclass

from vaegan_bench.api import Schedule, Span, steps_of


@dataclass(frozen=True, kw_only=True)
class Linear(Schedule):
    """Goes from `start` to `end` times its base in a straight line, and stays there (Sønderby et al., 2016)."""

    name = "linear"
    start: float = 0.0
    end: float = 1.0
    over: Span = 1000
    """The time from `start` to `end`: in steps, or as a share of the run, such as 10%."""
    after: Span = 0
    """The time at `start` before the change begins: in steps, or as a share of the run."""

    def __post_init__(self) -> None:
        steps_of(self.after, 1, "after")
        if not steps_of(self.over, 1, "over") > 0:
            raise ValueError(f"over must be above 0, not {self.over}")

    def __call__(self, base: float, step: int, steps: int) -> float:
        """base · (start + (end − start)·r), with r the share of the time `over` that has passed."""
        gone = min(1.0, max(0.0, step - steps_of(self.after, steps)) / steps_of(self.over, steps))
        return base * (self.start + (self.end - self.start) * gone)
