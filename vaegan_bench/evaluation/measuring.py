"""Metrics applied to outputs: rows, what figures are drawn from, and what could not be measured."""

from __future__ import annotations

import statistics
import typing
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from vaegan_bench.api import Measurement, Metric, Outputs, definition
from vaegan_bench.errors import FAILURES, reason_of
from vaegan_bench.runs import code_of

AVERAGED = ("value", "low", "high", "ceiling", "floor")
"""What rows hold in the mean over draws."""


@dataclass(frozen=True)
class Protocol:
    """How runs are measured."""

    metrics: Sequence[Metric]
    samples: int
    """Samples per draw, and held-out pictures at most."""
    draws: int
    """Independent sets of samples per run: their spread is the evaluation noise."""

    @property
    def definition(self) -> Mapping[str, Any]:
        """What decides how a run is measured: a finished run is measured again when this changes."""
        measured_by = [definition(metric) for metric in self.metrics]
        return {
            "metrics": measured_by,
            "samples": self.samples,
            "draws": self.draws,
            "code": dict(code_of(self.metrics).parts),
        }


class Watched(Outputs, typing.Protocol):
    """Outputs that tell whether their samples were asked for."""

    sampled: bool


@dataclass(frozen=True)
class Measured:
    """The numbers of one run, what figures are drawn from, and what could not be measured."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    """The fields of `Measurement`, the metric's family, and `noise`: the standard deviation over draws, or None."""
    exhibits: dict[str, Any] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    """metric → why it gave no numbers."""


def measure(draws: Sequence[Watched], metrics: Sequence[Metric], split: str) -> Measured:
    """Apply every metric. One that fails is reported and costs neither the others nor the run.

    `draws` are the outputs of one model with independent samples; what does not look at samples is measured once.
    """
    measured = Measured()
    for metric in metrics:
        try:
            rows, exhibits = _rows(metric, draws, split), metric.exhibits(draws[0])
        except FAILURES as error:  # costs no other metric its numbers
            measured.problems[str(metric)] = reason_of(error)
        else:
            measured.rows.extend(rows)
            measured.exhibits.update(exhibits)
    return measured


def _rows(metric: Metric, draws: Sequence[Watched], split: str) -> list[dict[str, Any]]:
    """One row per number, in the mean over draws where samples were asked for."""
    first = draws[0]
    first.sampled = False
    repeats = [metric(first)]
    if first.sampled:
        repeats += [metric(other) for other in draws[1:]]
    by_number: dict[tuple[str, str], list[Measurement]] = {}
    for measurement in (m for repeat in repeats for m in repeat):
        by_number.setdefault((measurement.metric, measurement.attribute), []).append(measurement)
    shared = {"split": split, **({"draws": len(repeats)} if first.sampled else {})}
    return [{**_averaged(same, shared), "family": metric.family} for same in by_number.values()]


def _averaged(same: Sequence[Measurement], shared: Mapping[str, Any]) -> dict[str, Any]:
    """One number over its draws: the mean, and its standard deviation as evaluation noise."""
    plain = asdict(same[0])
    for name in AVERAGED:
        values = [value for measurement in same if (value := getattr(measurement, name)) is not None]
        plain[name] = statistics.fmean(values) if values else None
    noise = statistics.stdev(measurement.value for measurement in same) if len(same) > 1 else None
    return {**plain, "noise": noise, "protocol": {**plain["protocol"], **shared}}
