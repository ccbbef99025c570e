"""The metrics that are still to be measured on a run, and the reasons, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from vaegan_bench.report.status.changes import code_differences
from vaegan_bench.report.status.run_status import RecordedMeasurement, RecordedTraining
from vaegan_bench.results.records import PlannedEvaluation, key_of

EXTENT: tuple[Literal["samples", "draws", "sampler"], ...] = ("samples", "draws", "sampler")
"""The settings that identify a measurement together with its metric."""


@dataclass(frozen=True, kw_only=True)
class AskedMetric:
    """A metric that a study measures."""

    label: str
    metric: Mapping[str, Any]
    samples: int
    draws: int
    sampler: str
    code: Mapping[str, Any] | None = None
    """The code behind the metric; None where it is unknown."""

    @property
    def key(self) -> str:
        """The key of its measurement."""
        return key_of(self.metric, self.samples, self.draws, self.sampler)


def asked_metrics(evaluation: PlannedEvaluation) -> dict[str, AskedMetric]:
    """The metrics of a recorded evaluation plan, by key; their code is not recorded."""
    extent = {name: getattr(evaluation, name) for name in EXTENT}
    asked = [AskedMetric(label=each.label, metric=each.metric, **extent) for each in evaluation.metrics]
    return {each.key: each for each in asked}


def missing_measurements(asked: Mapping[str, AskedMetric], run: RecordedTraining) -> list[str]:
    """'metric kid is not measured yet', 'metrics fid, kid: samples 40 → 100', …; empty where nothing is missing."""
    reasons: dict[str, list[str]] = {}
    for key, metric in asked.items():
        for reason in _reasons(metric, run.measured.get(key), list(run.measured.values())):
            reasons.setdefault(reason, []).append(metric.label)
    others = {metric.sampler for metric in asked.values() if run.measured} - {run.seen_from}
    sheets = (f"sampler {run.seen_from} → {sampler}" if run.seen_from else "not made yet" for sampler in others)
    return [*(_line(labels, reason) for reason, labels in reasons.items()), *(f"images of sheets: {s}" for s in sheets)]


def _reasons(
    asked: AskedMetric, found: RecordedMeasurement | None, others: Sequence[RecordedMeasurement]
) -> Iterator[str]:
    if found is None:
        alike = [other for other in others if other["metric"] == asked.metric]
        yield _extent(asked, alike[-1]) if alike else ""
    elif found["problem"]:
        yield f"tried again after a problem: {found['problem'].rstrip('.')}"
    elif asked.code is not None:
        yield from (f"measured by other {words}" for words in code_differences(found["code"], asked.code))


def _extent(asked: AskedMetric, other: RecordedMeasurement) -> str:
    pairs = {name: (other[name], getattr(asked, name)) for name in EXTENT}
    return ", ".join(f"{name} {old} → {new}" for name, (old, new) in pairs.items() if old != new)


def _line(labels: Sequence[str], reason: str) -> str:
    named = f"metric{'s' if len(labels) > 1 else ''} {', '.join(labels)}"
    return f"{named}: {reason}" if reason else f"{named} {'are' if len(labels) > 1 else 'is'} not measured yet"
