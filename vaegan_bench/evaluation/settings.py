"""What is measured on every run of a study, and what of it is missing on one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from vaegan_bench.api import Exhibits, Extractor, Metric, Sampler, definition
from vaegan_bench.evaluation.measuring import Measured, Result
from vaegan_bench.registry.plugins import plugins_within
from vaegan_bench.results.overview import MeasurementFacts
from vaegan_bench.results.records import MeasurementRecord, Row, key_of
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.study.run import code_of
from vaegan_bench.study.study import PRIOR

COUNTS = "n_"
"""How the keys of a protocol begin that say how many images were measured."""


@dataclass(frozen=True)
class EvaluationSettings:
    """What is measured on every run of a study."""

    metrics: Sequence[Metric]
    samples: int
    """Samples per draw, and held-out images at most."""
    draws: int
    """Independent sets of samples per run: their spread is the evaluation noise."""
    sampler: Sampler | None = None
    """What codes of samples are drawn from; None for the prior."""

    def only(self, metrics: Sequence[Metric]) -> EvaluationSettings:
        """The same with these metrics alone."""
        return replace(self, metrics=metrics)

    def definition_of(self, metric: Metric) -> dict[str, Any]:
        """A metric's definition as JSON gives it back: tuples are lists there."""
        plain: dict[str, Any] = json.loads(json.dumps(definition(metric)))
        return plain

    @property
    def keys(self) -> list[str]:
        """The keys of all measurements that are asked for."""
        return [key for _, key, _ in self._asked]

    @cached_property
    def _asked(self) -> list[tuple[Metric, str, Mapping[str, str]]]:
        """Each metric with its key and its code: the same for all runs."""
        return [(metric, self.key(metric), self.code(metric)) for metric in self.metrics]

    def code(self, metric: Metric) -> Mapping[str, str]:
        """Digests of the code that a metric's numbers come from."""
        return code_of([metric, *([self.sampler] if self.sampler else [])]).parts

    def key(self, metric: Metric) -> str:
        """What names the measurement of one metric among those of a run."""
        return key_of(self.definition_of(metric), self.samples, self.draws, self.drawn_from)

    @property
    def drawn_from(self) -> str:
        """The sampler's selector, or 'prior'."""
        return PRIOR if self.sampler is None else str(self.sampler)

    def missing(self, run: RunFolder, weights: Mapping[str, str]) -> list[Metric]:
        """The metrics that were not measured on a run: as asked for, by today's code, without a problem.

        Nor through extractors that have other hashes than `weights`. A run that diverged misses none.
        """
        if not (run.overview().is_ok if not run.fault() else run.record().is_ok):
            return []
        known = run.measured()
        found = [(metric, code, known.get(key)) for metric, key, code in self._asked]
        arrays_are_whole = not any(each and each.has_exhibits for _, _, each in found) or run.has_whole_exhibits
        return [metric for metric, code, each in found if _is_missing(code, each, weights, arrays_are_whole)]

    def are_met_by(self, run: RunFolder) -> bool:
        """Whether all that is asked for is there, and all that tables and figures need is as it was written."""
        return not run.fault() and not self.missing(run, {})

    def have_other_weights(self, run: RunFolder, weights: Mapping[str, str]) -> bool:
        """Whether a metric was measured on a run through extractors with other hashes than `weights`."""
        found = map(run.measured().get, self.keys)
        return any(_differ(each.weights, weights) for each in found if each is not None)

    def records(self, measured: Measured, weights: Mapping[str, str]) -> list[tuple[MeasurementRecord, Exhibits]]:
        """What to keep of each metric, with the hashes of the `weights` of its extractors, and its exhibits."""
        return [(self._record(result, weights), result.exhibits) for result in measured.results]

    def _record(self, result: Result, weights: Mapping[str, str]) -> MeasurementRecord:
        return {
            "label": str(result.metric),
            "metric": self.definition_of(result.metric),
            "samples": self.samples,
            "draws": self.draws,
            "sampler": self.drawn_from,
            "code": dict(self.code(result.metric)),
            "weights": {name: weights[name] for name in extractors_of(result.metric) if name in weights},
            "rows": [self._with_count(row) for row in result.rows],
            "problem": result.problem,
            "exhibits": list(result.exhibits),
        }

    def _with_count(self, row: Row) -> Row:
        """A row whose protocol says how many images were asked for, unless it says how many were measured."""
        if any(key.startswith(COUNTS) for key in row["protocol"]):
            return row
        return {**row, "protocol": {**row["protocol"], "samples": self.samples}}


def _is_missing(
    code: Mapping[str, str], found: MeasurementFacts | None, weights: Mapping[str, str], arrays_are_whole: bool
) -> bool:
    """Whether a metric with this code must be measured, of which `found` is known."""
    return (
        found is None
        or bool(found.problem)
        or found.code != code
        or (found.has_exhibits and not arrays_are_whole)
        or _differ(found.weights, weights)
    )


def _differ(recorded: Mapping[str, str], known: Mapping[str, str]) -> bool:
    return any(known.get(extractor, weights) != weights for extractor, weights in recorded.items())


def extractors_of(metric: Metric) -> list[str]:
    """The extractors that a metric looks through, as `Shared.weights` names them."""
    return [str(definition(plugin)) for plugin in plugins_within(metric) if isinstance(plugin, Extractor)]
