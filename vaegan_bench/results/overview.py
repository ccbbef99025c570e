"""What is remembered of every run for as long as its files stay the same. Small: a study may have thousands of runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from vaegan_bench.results.records import MeasurementRecord


@dataclass(frozen=True)
class Training:
    """What training left."""

    damage: str
    """Why it is of no use; '' where it is."""
    data: str
    """The digest of the data; '' where it is damaged."""


@dataclass(frozen=True, slots=True)
class MeasurementFacts:
    """What is to be known of a measurement beside its numbers."""

    label: str
    """The metric's selector."""
    problem: str
    """Why numbers are missing; '' where none is."""
    code: Mapping[str, Any]
    weights: Mapping[str, str]
    """Extractor → a hash of its weights."""
    has_exhibits: bool

    @classmethod
    def of(cls, record: MeasurementRecord) -> MeasurementFacts:
        """What of a record it is; runs share their code and weights."""
        code, weights = _shared(tuple(record["code"].items())), _shared(tuple(record["weights"].items()))
        return cls(record["label"], record["problem"], code, weights, bool(record["exhibits"]))


@lru_cache(maxsize=256)
def _shared(items: tuple[tuple[str, Any], ...]) -> Mapping[str, Any]:
    return dict(items)


@dataclass(frozen=True)
class Overview:
    """What a study is to know of a run before its numbers are read."""

    fault: str
    """Why nothing of it can be shown; '' where all can."""
    identity: tuple[str, str, int] = ("", "", 0)
    """Data set, model and seed."""
    is_ok: bool = False
    """Whether training came to a good end."""
    measured: Mapping[str, MeasurementFacts] = field(default_factory=dict)
    """By the keys of measurements."""
