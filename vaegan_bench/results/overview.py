"""Facts about every run, in memory as long as its files do not change. Small: a study may have thousands of runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from vaegan_bench.results.records import MeasurementRecord


@dataclass(frozen=True, slots=True)
class MeasurementFacts:
    """Facts about a measurement other than its numbers."""

    label: str
    """The metric's selector."""
    problem: str
    """Why numbers are missing; '' where none is."""
    code: Mapping[str, Any]
    weights: Mapping[str, str]
    """Extractor → a hash of its weights."""
    has_exhibits: bool
    has_numbers: bool

    @classmethod
    def of(cls, record: MeasurementRecord) -> MeasurementFacts:
        """The facts in a record; equal code and weights are held once for all runs."""
        code, weights = _shared(tuple(record["code"].items())), _shared(tuple(record["weights"].items()))
        return cls(record["label"], record["problem"], code, weights, bool(record["exhibits"]), bool(record["rows"]))


@lru_cache(maxsize=256)
def _shared(items: tuple[tuple[str, Any], ...]) -> Mapping[str, Any]:
    return dict(items)


@dataclass(frozen=True)
class Overview:
    """Facts that a study needs about a run before it reads the run's numbers."""

    damage: str
    """Why the run cannot be shown; '' where it can."""
    identity: tuple[str, str, int] = ("", "", 0)
    """Data set, model and seed."""
    data: str = ""
    """The digest of the images that it was trained on."""
    finished: str = ""
    """When its training ended, in UTC."""
    is_ok: bool = False
    """Whether training ended without divergence."""
    sheets_drawn_from: str = ""
    """The source of the samples of verdicts and sheets: 'prior', or a sampler; '' where there are none."""
    measured: Mapping[str, MeasurementFacts] = field(default_factory=dict)
    """Key of a measurement → its facts."""
