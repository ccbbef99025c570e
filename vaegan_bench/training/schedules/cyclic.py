"""A value that rises again and again."""

from __future__ import annotations

from dataclasses import dataclass

from vaegan_bench.api import Schedule, at_least


@dataclass(frozen=True, kw_only=True)
class Cyclic(Schedule):
    """Rises linearly from `low` to `high` times its base in every cycle, and holds (Fu et al., 2019, eq. 6–7)."""

    name = "cyclic"
    low: float = 0.0
    high: float = 1.0
    cycles: int = 4
    """M of that paper: the number of cycles in a run."""
    ramp: float = 0.5
    """R of that paper: the share of a cycle in which the value rises."""

    def __post_init__(self) -> None:
        at_least(self, cycles=1)
        if not 0 < self.ramp <= 1:
            raise ValueError(f"ramp must be in (0, 1], not {self.ramp}")

    def __call__(self, base: float, step: int, steps: int) -> float:
        """base · (low + (high − low)·min(1, τ/ramp)), with τ the share of the present cycle that is over."""
        behind = (step * self.cycles / steps) % 1
        return base * (self.low + (self.high - self.low) * min(1.0, behind / self.ramp))
