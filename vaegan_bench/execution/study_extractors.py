"""The extractors of a study that learn from the data, and the rulers of its extractors."""

from __future__ import annotations

from collections.abc import Iterable

from vaegan_bench.api import Extractor, Metric
from vaegan_bench.evaluation.calibration import Calibration, calibrate
from vaegan_bench.evaluation.references import References
from vaegan_bench.registry.plugins import extractors_within
from vaegan_bench.results.rulers import Ruler
from vaegan_bench.study.run import Run


def learned_extractors(metrics: Iterable[Metric]) -> list[Extractor]:
    """The extractors of metrics that learn from the data."""
    return [extractor for extractor in extractors_within(metrics) if extractor.learns]


def ruler_of(run: Run, extractor: Extractor, samples: int, references: References) -> Ruler:
    """The ruler of an extractor on the data of a run, for this number of images. Raises as `calibrate` does."""
    return calibrate(Calibration(run.data_label, run.split, extractor, samples), references)
