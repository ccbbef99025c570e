"""The status of one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypedDict

from vaegan_bench.results.records import RunRecord

State = Literal[
    "finished", "diverged", "unmeasured", "elsewhere", "starting", "training", "measuring", "interrupted", "failed",
    "damaged", "waiting",
]  # fmt: skip
OVER: tuple[State, ...] = ("finished", "diverged")
IN_TRAINING: tuple[State, ...] = ("starting", "training")


class RecordedMeasurement(TypedDict):
    """A measurement in metrics.json without its numbers."""

    label: str
    metric: dict[str, Any]
    samples: int
    draws: int
    sampler: str
    code: dict[str, Any]
    weights: dict[str, str]
    problem: str


@dataclass(frozen=True, kw_only=True)
class RecordedTraining:
    """The record and the measurements of a run whose training has ended."""

    record: RunRecord
    measured: Mapping[str, RecordedMeasurement] = field(default_factory=dict)
    """Key of a measurement → the measurement."""
    seen_from: str = ""
    """The sampler of the images of its sheets; '' where there are none."""


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
    """The machine that works on the run."""
    images_per_second: float | None = None
    """The current speed of its training; None while it is not trained."""
    seconds_left: float | None = None
    """Rest of its training, at its own speed or that of other runs of the model; None where no speed is known."""
    reason: str = ""
    """Why it failed, diverged or is damaged, which process has given no sign of life, or where it is copied from."""
    unlike: str = ""
    """The run in the folder that is most similar to the run that the same command would train."""
    again: tuple[str, ...] = ()
    """The differences from that run; where there is no such run, what is still to be measured."""
    unused_step: int | None = None
    """The step of that run's checkpoint, where it has one: the same command would not use it, and start from step 0."""
    trained: RecordedTraining | None = None

    def as_plain(self) -> dict[str, Any]:
        """The status as JSON-ready values, without `trained`."""
        plain = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "trained"}
        return {**plain, "again": list(self.again)}

    @property
    def is_replaced(self) -> bool:
        """Whether the same command would train another run in its place."""
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
            case "diverged" | "elsewhere":
                return self.reason
            case "unmeasured":
                return "to be measured"
        return self.state

    def why_in_words(self) -> str:
        """The reason why work is left, where the state alone does not tell it."""
        said = [self.reason] if self.reason and self.state in ("interrupted", "waiting", "unmeasured") else []
        listed = "; ".join(self.again)
        if self.unused_step is not None:
            other = "" if self.is_replaced else f", not from step {self.unused_step} of {self.unlike}"
            said.append(f"would start from step 0{other}: {listed}")
        elif self.is_replaced:
            said.append(f"would be trained again: {listed}")
        elif self.unlike:
            said.append(f"differs from {self.unlike}: {listed}")
        elif listed:
            said.append(listed)
        return "; ".join(said)
