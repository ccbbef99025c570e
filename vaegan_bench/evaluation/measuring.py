"""One row per metric, from outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vaegan_bench.api import BenchError, Metric, Outputs, definition
from vaegan_bench.plan import code_of


@dataclass(frozen=True)
class Measured:
    """The numbers of one run, and what could not be measured."""

    rows: list[dict[str, Any]]
    """The fields of `Measurement` and the metric's family."""
    problems: Mapping[str, str]
    """metric → why it gave no numbers."""


def measure(outputs: Outputs, metrics: Sequence[Metric], split: str) -> Measured:
    """Apply every metric. One that fails is reported and costs neither the others nor the run."""
    rows: list[dict[str, Any]] = []
    problems: dict[str, str] = {}
    for metric in metrics:
        try:
            measurements = metric(outputs)
        except BenchError as error:
            problems[str(metric)] = str(error)
            continue
        except Exception as error:  # a stranger's metric may raise anything, and costs no other its numbers
            problems[str(metric)] = f"{type(error).__name__}: {error}"
            continue
        for measurement in measurements:
            row = asdict(measurement)
            rows.append({**row, "family": metric.family, "protocol": {**row["protocol"], "split": split}})
    return Measured(rows, problems)


def evaluation_definition(metrics: Sequence[Metric], samples: int) -> Mapping[str, Any]:
    """What decides how a run is measured: a finished run is measured again when this changes."""
    return {"metrics": [definition(metric) for metric in metrics], "samples": samples, "code": code_of(metrics)}
