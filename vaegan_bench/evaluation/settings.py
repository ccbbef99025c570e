"""The metrics and samples of a study's evaluation, and which metrics are missing on a run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from vaegan_bench.api import Exhibits, Metric, Sampler, definition
from vaegan_bench.evaluation.measuring import Measured, Result
from vaegan_bench.registry.plugins import extractors_within
from vaegan_bench.results.overview import MeasurementFacts
from vaegan_bench.results.records import MeasurementRecord, PlannedEvaluation, PlannedMetric, Row, key_of
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.study.plan import Plan
from vaegan_bench.study.run import code_of
from vaegan_bench.study.study import PRIOR

COUNTS = "n_"
"""The prefix of the keys in a protocol that give the number of measured images."""


@dataclass(frozen=True)
class EvaluationSettings:
    """The metrics that are measured on every run of a study, and the samples for them."""

    metrics: Sequence[Metric]
    samples: int
    """Samples per draw, and held-out images at most."""
    draws: int
    """Independent sets of samples per run: their spread is the evaluation noise."""
    sampler: Sampler | None = None
    """The source of the codes of samples; None for the prior."""

    @classmethod
    def of(cls, plan: Plan) -> EvaluationSettings:
        """The settings of a plan's study."""
        return cls(plan.metrics, plan.study.samples, plan.study.draws, plan.sampler)

    def only(self, metrics: Sequence[Metric]) -> EvaluationSettings:
        """The same settings with only these metrics."""
        return replace(self, metrics=metrics)

    def planned(self) -> PlannedEvaluation:
        """The settings as study.json records them."""
        metrics = [
            PlannedMetric(label=str(metric), metric=definition_of(metric), headline=tuple(metric.headline))
            for metric in self.metrics
        ]
        return PlannedEvaluation(
            metrics=tuple(metrics), samples=self.samples, draws=self.draws, sampler=self.drawn_from
        )

    @property
    def keys(self) -> list[str]:
        """The keys of all measurements that these settings ask for."""
        return [key for _, key, _ in self._asked]

    @cached_property
    def _asked(self) -> list[tuple[Metric, str, Mapping[str, str]]]:
        """Each metric with its key and its code: the same for all runs."""
        return [(metric, self.key(metric), self.code(metric)) for metric in self.metrics]

    def code(self, metric: Metric) -> Mapping[str, str]:
        """Digests of the code that computes a metric's numbers."""
        return code_of([metric, *([self.sampler] if self.sampler else [])]).parts

    def key(self, metric: Metric) -> str:
        """The key of the measurement of one metric among those of a run."""
        return key_of(definition_of(metric), self.samples, self.draws, self.drawn_from)

    @property
    def drawn_from(self) -> str:
        """The sampler's selector, or 'prior'."""
        return PRIOR if self.sampler is None else str(self.sampler)

    def missing(self, run: RunFolder, weights: Mapping[str, str]) -> list[Metric]:
        """The metrics that must still be measured on a run.

        These were not measured with these settings and today's code, had a problem, or used an extractor whose hash
        differs from the one in `weights`. A run that diverged misses none.
        """
        if not (run.overview().is_ok if not run.damage() else run.record().is_ok):
            return []
        known = run.measured()
        found = [(metric, code, known.get(key)) for metric, key, code in self._asked]
        arrays_are_whole = not any(each and each.has_exhibits for _, _, each in found) or run.has_whole_exhibits
        return [metric for metric, code, each in found if _is_missing(code, each, weights, arrays_are_whole)]

    def are_met_by(self, run: RunFolder) -> bool:
        """Whether a run needs no measuring: it has every metric and the sheets of such samples, and no damaged file."""
        if run.damage() or self.missing(run, {}):
            return False
        known = run.overview()
        return not known.is_ok or known.sheets_drawn_from == self.drawn_from

    def have_other_weights(self, run: RunFolder, weights: Mapping[str, str]) -> bool:
        """Whether a metric was measured on a run with an extractor whose hash differs from the one in `weights`."""
        found = map(run.measured().get, self.keys)
        return any(_differ(each.weights, weights) for each in found if each is not None)

    def hashes_on(self, run: RunFolder) -> set[str]:
        """The hashes of the weights of extractors with which a run was measured."""
        found = map(run.measured().get, self.keys)
        return {weights for each in found if each is not None for weights in each.weights.values()}

    def records(self, measured: Measured, weights: Mapping[str, str]) -> list[tuple[MeasurementRecord, Exhibits]]:
        """For each metric its record, with the hashes in `weights` of its extractors, and its exhibits."""
        return [(self._record(result, weights), result.exhibits) for result in measured.results]

    def _record(self, result: Result, weights: Mapping[str, str]) -> MeasurementRecord:
        return {
            "label": str(result.metric),
            "metric": definition_of(result.metric),
            "samples": self.samples,
            "draws": self.draws,
            "sampler": self.drawn_from,
            "code": dict(self.code(result.metric)),
            "weights": {name: weights[name] for name in self._extractors_of(result.metric) if name in weights},
            "rows": [self._with_count(row) for row in result.rows],
            "problem": result.problem,
            "exhibits": list(result.exhibits),
        }

    def _extractors_of(self, metric: Metric) -> list[str]:
        """The extractors that a metric uses, by the keys of `References.weights`."""
        return [str(definition(extractor)) for extractor in extractors_within([metric])]

    def _with_count(self, row: Row) -> Row:
        """The row, with the number of samples asked for in its protocol unless that states how many were measured."""
        if any(key.startswith(COUNTS) for key in row["protocol"]):
            return row
        return {**row, "protocol": {**row["protocol"], "samples": self.samples}}


def definition_of(metric: Metric) -> dict[str, Any]:
    """A metric's definition as it is read back from JSON, with lists for tuples."""
    plain: dict[str, Any] = json.loads(json.dumps(definition(metric)))
    return plain


def _is_missing(
    code: Mapping[str, str], found: MeasurementFacts | None, weights: Mapping[str, str], arrays_are_whole: bool
) -> bool:
    """Whether a metric with this code must be measured, given the facts `found` about its last measurement."""
    return (
        found is None
        or bool(found.problem)
        or found.code != code
        or (found.has_exhibits and not arrays_are_whole)
        or _differ(found.weights, weights)
    )


def _differ(recorded: Mapping[str, str], known: Mapping[str, str]) -> bool:
    return any(known.get(extractor, weights) != weights for extractor, weights in recorded.items())
