"""A value that changes at given steps."""

from __future__ import annotations

from dataclasses import dataclass

from vaegan_bench.api import Schedule


@dataclass(frozen=True, kw_only=True)
class Stepwise(Schedule):
    """Multiplies its base by factors that change at given steps: `stages=0:1 5000:0.1 8000:0`."""

    name = "stepwise"
    stages: str = "0:1"
    """step:factor, separated by spaces, from step 0 on, in ascending order."""

    def __post_init__(self) -> None:
        starts = [start for start, _ in self._stages()]
        if not starts or starts[0] != 0 or starts != sorted(set(starts)):
            raise ValueError(f"stages must start at step 0 and ascend, not '{self.stages}'")

    def __call__(self, base: float, step: int, steps: int) -> float:
        """The base times the factor of the latest stage."""
        return base * next(factor for start, factor in reversed(self._stages()) if start <= step)

    def _stages(self) -> list[tuple[int, float]]:
        try:
            pairs = [stage.split(":") for stage in self.stages.split()]
            return [(int(start), float(factor)) for start, factor in pairs]
        except ValueError as error:
            raise ValueError(f"stages are written step:factor, such as '0:1 5000:0.1', not '{self.stages}'") from error
