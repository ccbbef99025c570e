"""How far a training is, as other processes see it in the claim of its run."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Pace:
    """The course of a training that goes on in this process or reports to it."""

    steps: int
    done: int
    """The step from which it went on."""
    batch: int
    began: float = field(default_factory=time.monotonic)

    def at(self, step: int) -> dict[str, Any]:
        """The report at a step, with the speed since training began here, in images per second."""
        speed = (step - self.done) * self.batch / max(time.monotonic() - self.began, 1e-9)
        return {"phase": "training", "step": step, "steps": self.steps, "speed": round(speed, 1)}
