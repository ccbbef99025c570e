"""The headlines of a study: the numbers that its metrics declare as such, each on one extractor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from vaegan_bench.results.readings import UNUSABLE
from vaegan_bench.results.records import PlannedMetric

ALIKE = ["dataset", "metric", "attribute", "protocol", "code"]
"""Columns in which numbers agree that share a column of a table."""


def leading(rows: pd.DataFrame, planned: Mapping[str, PlannedMetric]) -> list[bool]:
    """Whether each row is a headline: it is not about one attribute, and its metric declares the number a headline.

    Where a study measures one metric in several ways, such as on several extractors, only one of them gives headlines:
    on each data set the first of the plan whose extractor is usable there, or the first of all if none is. The column
    'measurement' holds keys of `planned`. Numbers of one protocol lead together: some runs may have them from an
    earlier plan alone.
    """
    columns = [rows[name] for name in ("dataset", "measurement", "metric", "attribute", "instrument")]
    declared = [
        key in planned and not attribute and metric.partition("[")[0] in planned[key].headline
        for _, key, metric, attribute, _ in zip(*columns, strict=True)
    ]
    found = rows.loc[declared, ["dataset", "measurement", "instrument"]].drop_duplicates()
    first = set(_first(found.itertuples(index=False, name=None), planned))
    places = zip(rows["dataset"], rows["measurement"], strict=True)
    leads = [is_declared and place in first for is_declared, place in zip(declared, places, strict=True)]
    alike = [*rows[ALIKE].itertuples(index=False, name=None)]
    leaders = {number for number, is_leader in zip(alike, leads, strict=True) if is_leader}
    return [number in leaders for number in alike]


def _first(found: Iterable[tuple[str, str, str]], planned: Mapping[str, PlannedMetric]) -> Iterable[tuple[str, str]]:
    """(data set, measurement) that gives each metric's headlines; `found`: (data set, measurement, instrument)."""
    unusable: dict[tuple[str, str], bool] = {}
    for dataset, key, instrument in found:
        unusable[dataset, key] = unusable.get((dataset, key), False) or instrument.startswith(UNUSABLE)
    places = {key: place for place, key in enumerate(planned)}
    chosen: dict[tuple[str, str], tuple[str, str]] = {}
    for dataset, key in sorted(unusable, key=lambda pair: (unusable[pair], places[pair[1]])):
        chosen.setdefault((dataset, str(planned[key].metric.get("name"))), (dataset, key))
    return chosen.values()
