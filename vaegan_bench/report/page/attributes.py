"""Numbers on single attributes, as tables of the page."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from vaegan_bench.report import tables
from vaegan_bench.report.tables.attributes import by_attribute


@dataclass(frozen=True)
class AttributeTable:
    """One number for every attribute: attributes down, models across, bounds behind them."""

    metric: str
    heading: str
    columns: list[str]
    lines: list[tuple[str, list[str]]]


def attribute_tables(rows: pd.DataFrame) -> list[AttributeTable]:
    """A table per metric that has numbers on single attributes, from the rows of one data set, named by protocol."""
    single = rows[rows["attribute"] != ""]
    return [_table(str(metric), group) for metric, group in single.groupby("metric", sort=False)]


def _table(metric: str, rows: pd.DataFrame) -> AttributeTable:
    first, cells = rows.iloc[0], by_attribute(rows)
    lines = zip(map(str, cells.index), cells.to_numpy().tolist(), strict=True)
    heading = tables.heading(metric, first["direction"], first["units"])
    return AttributeTable(metric, heading, list(map(str, cells.columns)), list(lines))
