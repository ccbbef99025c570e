"""A value that changes at given steps."""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter

from vaegan_bench.api import Schedule, Span, steps_of


@dataclass(frozen=True, kw_only=True)
class Stepwise(Schedule):
    """Multiplies its base by factors that change at given steps: `stages=0:1 5000:0.1`, or `stages=0:0 40%:1`."""

    name = "stepwise"
    stages: str = "0:1"
    """start:factor, separated by spaces, in the order of time. A start is a step, or a share of the run such as 40%."""

    def __post_init__(self) -> None:
        starts = [start for start, _ in self._stages()]
        in_steps, in_shares = (
            [steps_of(s, 1) for s in starts if ("%" in str(s)) is shares] for shares in (False, True)
        )
        ascend = all(times == sorted(set(times)) for times in (in_steps, in_shares))
        if not starts or steps_of(starts[0], 1) != 0 or not ascend:
            raise ValueError(f"stages must start at step 0 and ascend, not '{self.stages}'")

    def __call__(self, base: float, step: int, steps: int) -> float:
        """The base times the factor of the latest stage."""
        stages = sorted(((steps_of(start, steps), factor) for start, factor in self._stages()), key=itemgetter(0))
        return base * [factor for start, factor in stages if start <= step][-1]

    def _stages(self) -> list[tuple[Span, float]]:
        try:
            pairs = [stage.split(":") for stage in self.stages.split()]
            for start, _ in pairs:
                steps_of(start, 1)  # raises for a text that is not a start
            return [(start, float(factor)) for start, factor in pairs]
        except ValueError as error:
            raise ValueError(
                f"stages are written start:factor, such as '0:1 5000:0.1' or '0:0 40%:1', not '{self.stages}'"
            ) from error
