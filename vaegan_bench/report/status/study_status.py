"""How far a study is: its runs, how many are in which state, and how long the rest takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from types import MappingProxyType
from typing import Any

from vaegan_bench.report.status.run_status import IN_TRAINING, OVER, RunStatus, State
from vaegan_bench.report.tables.words import duration

UNTRAINED: tuple[State, ...] = (*IN_TRAINING, "interrupted", "waiting")
"""States of runs whose training a current command, or the next one, will continue or begin."""
COUNTED: dict[str, tuple[State, ...]] = {
    "in training": IN_TRAINING, "measuring": ("measuring",), "to be measured": ("unmeasured",),
    "to be copied": ("elsewhere",), "interrupted": ("interrupted",), "failed": ("failed",), "damaged": ("damaged",),
    "waiting": ("waiting",),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class StudyStatus:
    """How far a study is."""

    name: str
    folder: Path
    runs: tuple[RunStatus, ...]
    notes: tuple[str, ...] = ()
    """Notes for the reader, such as the reason why it is unknown what would be done again."""

    def count(self, *states: State) -> int:
        """How many runs are in one of these states."""
        return sum(run.state in states for run in self.runs)

    @property
    def at_once(self) -> int:
        """How many runs are being trained side by side now; 1 where none is."""
        return max(1, self.count(*IN_TRAINING))

    def seconds_left(self) -> float | None:
        """How long the rest of all trainings takes, as many at a time as now; None where no speed is known."""
        left = [run.seconds_left for run in self.runs if run.state in UNTRAINED and run.seconds_left is not None]
        return max(sum(left) / self.at_once, *left) if left else None

    def as_plain(self) -> dict[str, Any]:
        """The counts, the time left and the notes as JSON-ready values."""
        counts = {name.replace(" ", "_"): self.count(*states) for name, states in COUNTED.items()}
        finished = {"runs": len(self.runs), "finished": self.count(*OVER), "diverged": self.count("diverged")}
        named = {"study": self.name, "folder": str(self.folder)}
        return {**named, **finished, **counts, "seconds_left": self.seconds_left(), "notes": list(self.notes)}

    def most_urgent(self, most: int) -> list[RunStatus]:
        """All runs in the plan's order; if more than `most`, only those with work left, the ones in progress first."""
        if len(self.runs) <= most:
            return list(self.runs)
        states = [state for states in COUNTED.values() for state in states]
        urgent = [run for run in self.runs if run.state not in OVER or run.again]
        return sorted(urgent, key=lambda run: [*states, *OVER].index(run.state))[:most]

    def summary(self) -> str:
        """One line: 'Study quick: 3 of 8 runs finished, 2 in training; about 12 min left with 2 at a time.'."""
        diverged = f" ({self.count('diverged')} diverged)" if self.count("diverged") else ""
        counts = [f"{self.count(*OVER)} of {len(self.runs)} runs finished{diverged}"]
        counts += [f"{n} {name}" for name, states in COUNTED.items() if (n := self.count(*states))]
        replaced = sum(run.is_replaced for run in self.runs)
        again = f"; the same command would train {replaced} of them again" if replaced else ""
        return f"Study {self.name}: {', '.join(counts)}{self.time_left()}{again}."

    def time_left(self) -> str:
        """'; about 12 min left with 2 at a time'; '' where nothing is left, or no speed is known."""
        seconds = self.seconds_left()
        if seconds is None:
            return ""
        unknown = any(run.state in UNTRAINED and run.seconds_left is None for run in self.runs)
        about = "more than" if unknown else "about"  # no speed is known of models that never ran
        return f"; {about} {duration(seconds / 60)} of training left with {self.at_once} at a time"


def with_times(
    runs: Sequence[RunStatus], speeds: Mapping[str, Sequence[float]] = MappingProxyType({})
) -> tuple[RunStatus, ...]:
    """The same runs with the rest of each one's training time; `speeds` has further known speeds by model.

    Runs that are not in training go on as fast as trained ones of their model did.
    """
    trained = [(run.model, run.trained.record.speed) for run in runs if run.trained]
    running = [(run.model, run.images_per_second) for run in runs if run.images_per_second]
    usual = {**_means(running), **{model: fmean(known) for model, known in speeds.items()}, **_means(trained)}
    return tuple(replace(run, seconds_left=_seconds_left(run, usual.get(run.model))) for run in runs)


def _means(speeds: Sequence[tuple[str, float]]) -> dict[str, float]:
    models = dict.fromkeys(model for model, _ in speeds)
    return {each: fmean(speed for model, speed in speeds if model == each) for each in models}


def _seconds_left(run: RunStatus, usual: float | None) -> float | None:
    speed = run.images_per_second or usual
    if run.state not in UNTRAINED or not speed or run.steps is None or run.batch is None:
        return None
    done = 0 if run.is_replaced else run.step or 0
    return max(0.0, (run.steps - done) * run.batch / speed)
