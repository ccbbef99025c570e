"""Tables of the page as plain data: a row per model, a cell per number with its rank, verdict and reading."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from vaegan_bench.report import tables
from vaegan_bench.report.tables.comparison import wins
from vaegan_bench.report.tables.instruments import readings, unusable
from vaegan_bench.report.tables.protocols import protocol_of
from vaegan_bench.results.rulers import Ruler

SHADES = 4
"""Steps of shading, from the best model to the worst."""


@dataclass(frozen=True)
class Column:
    """One number that models are compared by."""

    heading: str
    direction: str
    meaning: str
    """What the number is, in a sentence; '' where its metric is unknown."""
    protocol: str
    """How it was measured."""
    instrument: str
    """Why no verdict is drawn from the number; '' where verdicts are drawn."""


@dataclass(frozen=True)
class Cell:
    """The number of one model."""

    text: str
    value: float | None
    """The number to sort by; None where the model has no such number."""
    shade: int | None
    """0 for the best model … `SHADES` − 1 for the worst; None where there is nothing to rank."""
    is_best: bool
    """Better than every other model, by verdict."""
    reading: str


@dataclass(frozen=True)
class NumberTable:
    """Models down, numbers across."""

    title: str
    columns: list[Column]
    lines: list[tuple[str, list[Cell]]]
    """Model and its cells."""


def number_table(
    title: str, rows: pd.DataFrame, meanings: Mapping[str, str], rulers: Sequence[Ruler], models: Sequence[str]
) -> NumberTable:
    """The numbers in `rows`, all of one data set and named by protocol, of `models` in their order.

    `meanings` says what each metric is.
    """
    rows = tables.overall(rows)
    summary = tables.summarise(rows)
    closed, read = unusable(rows), readings(summary, rulers)
    best = dict(zip(zip(summary["metric"], summary["model"], strict=True), wins(summary, rows), strict=True))
    columns, cells = list[Column](), dict[str, list[Cell]]((model, []) for model in models)
    for metric, group in summary.groupby("metric", sort=False):
        of_model, shades = {row["model"]: row for row in group.to_dict("records")}, _shades(group)
        columns.append(_column(next(iter(of_model.values())), meanings, closed))
        for model in models:
            row, key = of_model.get(model), (group["dataset"].iloc[0], model, str(metric))
            is_best = best.get((str(metric), model), False)
            cells[model].append(_cell(row, shades.get(model), read.get(key, ""), is_best=is_best) if row else EMPTY)
    return NumberTable(title, columns, list(cells.items()))


EMPTY = Cell("", None, None, is_best=False, reading="")
"""The cell of a model that has no such output, or that was not measured."""


def _column(row: Mapping[Hashable, Any], meanings: Mapping[str, str], closed: Mapping[tuple[str, str], str]) -> Column:
    metric: str = row["metric"]
    return Column(
        heading=tables.heading(metric, row["direction"], row["units"]),
        direction=row["direction"],
        meaning=meanings.get(metric.partition(" (")[0], ""),
        protocol=", ".join(f"{key} {value}" for key, value in protocol_of(row["protocol"]).items()),
        instrument=closed.get((row["dataset"], metric), ""),
    )


def _cell(row: Mapping[Hashable, Any], shade: int | None, reading: str, *, is_best: bool) -> Cell:
    return Cell(tables.cell(row["mean"], row["half_width"]), float(row["mean"]), shade, is_best, reading)


def _shades(group: pd.DataFrame) -> dict[str, int]:
    """Model → its rank by the mean in `SHADES` steps; {} for a number without a direction, or of one model."""
    direction = group["direction"].iloc[0]
    if direction == "none" or len(group) < 2:
        return {}
    ranks = group["mean"].rank(method="min", ascending=direction == "lower") - 1
    steps = (ranks * SHADES / len(group)).astype(int)
    return dict(zip(group["model"], steps.tolist(), strict=True))
