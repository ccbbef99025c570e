"""How far one run is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, TypedDict

from vaegan_bench.results.records import RunRecord

State = Literal[
    "finished", "diverged", "unmeasured", "starting", "training", "measuring", "interrupted", "failed", "damaged",
    "waiting",
]  # fmt: skip
OVER: tuple[State, ...] = ("finished", "diverged")
IN_TRAINING: tuple[State, ...] = ("starting", "training")


class Measured(TypedDict):
    """What a measurement in metrics.json says of itself beside its numbers."""

    label: str
    metric: dict[str, Any]
    samples: int
    draws: int
    sampler: str
    code: dict[str, Any]
    weights: dict[str, str]
    problem: str


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What a run left whose training has ended."""

    record: RunRecord
    measured: Mapping[str, Measured]
    """By the keys of the measurements."""


@dataclass(frozen=True, kw_only=True)
class RunStatus:
    """How far one run is, who works on it, and why the same command would do it again."""

    run: str
    model: str
    dataset: str = ""
    seed: int | None = None
    state: State = "waiting"
    step: int | None = None
    steps: int | None = None
    batch: int | None = None
    host: str = ""
    """Where it is worked on."""
    images_per_second: float | None = None
    """While it is trained."""
    seconds_left: float | None = None
    """Of its training, at the speed that it has, or that other runs of the model had; None where none is known."""
    reason: str = ""
    """Why it failed or is of no use, or who gives no sign of life."""
    unlike: str = ""
    """The trained run that is most like what the same command would train instead."""
    again: tuple[str, ...] = ()
    """What differs from that run; of a run without one, what is measured again."""
    trained: Trained | None = None

    def as_plain(self) -> dict[str, Any]:
        """What JSON can hold of it."""
        plain = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "trained"}
        return {**plain, "again": list(self.again)}

    @property
    def is_replaced(self) -> bool:
        """Whether it is trained, and the same command would train another run in its place."""
        return self.unlike == self.run

    def state_in_words(self) -> str:
        """Its state as a table shows it: 'training 43 %', 'interrupted at step 12 of 40', ...."""
        match self.state:
            case "training" if self.steps:
                return f"training {100 * (self.step or 0) // self.steps} %"
            case "interrupted":
                return f"interrupted at step {self.step}" + (f" of {self.steps}" if self.steps else "")
            case "failed" | "damaged":
                return f"{self.state}: {self.reason}"
            case "diverged":
                return self.reason
            case "unmeasured":
                return "to be measured"
        return self.state

    def why_in_words(self) -> str:
        """Why there is something to do, as far as its state does not say so."""
        said = [self.reason] if self.reason and self.state in ("interrupted", "waiting", "unmeasured") else []
        listed = "; ".join(self.again)
        if self.is_replaced:
            said.append(f"would be trained again: {listed}")
        elif self.unlike:
            said.append(f"differs from {self.unlike}: {listed}")
        elif listed:
            said.append(listed)
        return "; ".join(said)
