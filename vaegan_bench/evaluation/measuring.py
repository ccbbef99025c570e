"""Metrics applied to outputs: rows, exhibits for figures, and the reasons for missing numbers."""

from __future__ import annotations

import json
import math
import statistics
import typing
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from vaegan_bench.api import Exhibit, Exhibits, Measurement, Metric, Outputs, PluginError
from vaegan_bench.results.exhibits import check_exhibits
from vaegan_bench.results.records import Row
from vaegan_bench.system.errors import FAILURES, reason_of
from vaegan_bench.system.plain_data import read_as

BOUNDS = ("low", "high", "ceiling", "floor")
"""Further numbers of rows that are averaged over draws, as the value is."""


@dataclass(frozen=True)
class Result:
    """The rows and exhibits of one metric, or its problem."""

    metric: Metric
    rows: list[Row] = field(default_factory=list)
    exhibits: Exhibits = field(default_factory=dict)
    problem: str = ""
    """Why numbers are missing; '' where none is."""


@dataclass(frozen=True)
class Measured:
    """The results of all metrics on one run."""

    results: list[Result]

    @property
    def rows(self) -> list[Row]:
        """The numbers of all metrics."""
        return [row for result in self.results for row in result.rows]

    @property
    def exhibits(self) -> dict[str, Exhibit]:
        """The exhibits of all metrics, by name."""
        return {name: exhibit for result in self.results for name, exhibit in result.exhibits.items()}

    @property
    def problems(self) -> dict[str, str]:
        """metric → why numbers are missing."""
        return {str(result.metric): result.problem for result in self.results if result.problem}


def measure(draws: Sequence[Outputs], metrics: Sequence[Metric], split: str) -> Measured:
    """Apply every metric. One that fails is reported, and the others are still applied.

    `draws` are the outputs of one model with independent samples. Metrics that do not use samples are applied once.
    """
    return Measured([_result(metric, draws, split) for metric in metrics])


def _result(metric: Metric, draws: Sequence[Outputs], split: str) -> Result:
    try:
        rows, exhibits = _rows(metric, draws, split), dict(metric.exhibits(draws[0]))
        finite = [row for row in rows if math.isfinite(row["value"])]
        _check_storable(finite, exhibits)
    except FAILURES as error:  # the other metrics still give their numbers
        return Result(metric, problem=reason_of(error))
    return Result(metric, finite, exhibits, _not_finite(rows))


def _check_storable(rows: Sequence[Row], exhibits: Exhibits) -> None:
    """Raise `PluginError` for rows or exhibits that cannot be stored, or could not be read again."""
    try:
        json.dumps(rows, allow_nan=False)
        for row in rows:
            read_as(Row, row)
            if strange := [key for key in row["protocol"] if not isinstance(key, str)]:
                raise TypeError(f"{strange[0]!r} names a part of the protocol of '{row['metric']}', and is no text")
        check_exhibits(exhibits)
    except (TypeError, ValueError) as error:
        raise PluginError(f"What it gave cannot be kept: {error}.") from error


def _not_finite(rows: Sequence[Row]) -> str:
    """'gave NaN for a, b and an infinite value for c'; '' where all values are numbers."""
    names: dict[str, list[str]] = {}
    for row in rows:
        if not math.isfinite(row["value"]):
            value = "NaN" if math.isnan(row["value"]) else "an infinite value"
            about = f" of {row['attribute']}" if row["attribute"] else ""
            names.setdefault(value, []).append(row["metric"] + about)
    given = " and ".join(f"{value} for {', '.join(named)}" for value, named in names.items())
    return f"gave {given}" if given else ""


def _rows(metric: Metric, draws: Sequence[Outputs], split: str) -> list[Row]:
    """One row per number, averaged over draws where the metric uses samples.

    Numbers of a conditional model say so: it decodes with the attributes of the held-out images.
    """
    repeats = draws if metric.uses_samples else draws[:1]
    by_number: dict[tuple[str, str], list[Measurement]] = {}
    for outputs in repeats:
        for number, measurement in _by_number(metric(outputs)).items():
            by_number.setdefault(number, []).append(measurement)
    shared: dict[str, Any] = {"split": split}
    if draws[0].conditional:
        shared["conditioned_on"] = "attributes"
    if metric.uses_samples:
        shared |= {"draws": len(repeats), **draws[0].code_protocol}
    return [_row(metric, same, shared) for same in by_number.values()]


def _by_number(given: Sequence[Measurement]) -> dict[tuple[str, str], Measurement]:
    """(metric, attribute) → its number in one draw. Raises `PluginError` where there are two."""
    found = dict[tuple[str, str], Measurement]()
    for one in given:
        if found.setdefault((one.metric, one.attribute), one) is not one:
            about = f" of {one.attribute}" if one.attribute else ""
            raise PluginError(f"It gave '{one.metric}'{about} twice: each number needs a name of its own.")
    return found


def _row(metric: Metric, same: Sequence[Measurement], shared: Mapping[str, Any]) -> Row:
    """One number over its draws: the mean, and its standard deviation as evaluation noise."""
    first = asdict(same[0])
    bounds = {name: _bound([getattr(measurement, name) for measurement in same]) for name in BOUNDS}
    values = [float(measurement.value) for measurement in same]
    noise = statistics.stdev(values) if len(values) > 1 and all(map(math.isfinite, values)) else None
    protocol = {**first["protocol"], **shared}
    return typing.cast(
        Row,
        {
            **first,
            **bounds,
            "value": _mean(values),
            "noise": noise,
            "family": metric.family,
            "protocol": protocol,
        },
    )


def _bound(values: Sequence[float | None]) -> float | None:
    """The mean of the values that are not None, if it is finite; otherwise None."""
    there = [float(value) for value in values if value is not None]
    mean = _mean(there) if there else math.nan
    return mean if math.isfinite(mean) else None


def _mean(values: Sequence[float]) -> float:
    """The mean; NaN or infinite where the values are not all finite."""
    return statistics.fmean(values) if all(map(math.isfinite, values)) else sum(values)
