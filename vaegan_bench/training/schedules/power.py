"""The learning-rate schedule of VAE/GAN's authors."""

from __future__ import annotations

from dataclasses import dataclass

from vaegan_bench.api import Schedule, at_least


@dataclass(frozen=True, kw_only=True)
class Power(Schedule):
    """Falls from its base to `end` with a power of the time gone by (code of Larsen et al., 2016)."""

    name = "power"
    end: float = 1e-5 / 64
    """The value at the end."""
    power: float = 0.75
    every: int = 250
    """Steps between changes: the authors' epochs have 250 batches."""

    def __post_init__(self) -> None:
        at_least(self, power=0, every=1)

    def __call__(self, base: float, step: int, steps: int) -> float:
        """base − (t/T)^power · (base − end), with t the step rounded down to a multiple of `every`."""
        held = step // self.every * self.every
        gone: float = (held / steps) ** self.power
        return base - gone * (base - self.end)
