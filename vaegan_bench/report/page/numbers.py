"""Tables of the page as plain data: a row per model, a cell per number with its rank, verdict and reading."""

from __future__ import annotations

from collections.abc import Container, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from vaegan_bench.report import tables
from vaegan_bench.report.tables.captions import caption
from vaegan_bench.report.tables.instruments import readings, unusable
from vaegan_bench.report.tables.model_table import cells_of, wins
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
    """0 for the best model, larger for worse ones, less than `SHADES`; None where there is nothing to rank."""
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
    caption: str
    """Over how many seeds the means are, and what marks mean; '' without a number."""


@dataclass(frozen=True)
class Basis:
    """What all tables of one data set are made from."""

    rows: pd.DataFrame
    """All rows, named by protocol."""
    pairs: pd.DataFrame
    """The pairs of `tables.paired_differences` on these rows."""
    models: Sequence[str]
    """The lines of every table."""
    meanings: Mapping[str, str]
    """What each metric is."""
    rulers: Sequence[Ruler] = ()


def number_table(title: str, rows: pd.DataFrame, basis: Basis) -> NumberTable:
    """The numbers in `rows`, a part of those of the basis."""
    summary = tables.summarise(tables.overall(rows))
    summary = summary.assign(text=[*cells_of(summary, basis.rows)], best=[*wins(summary, basis.pairs)])
    read, marked = readings(summary, basis.rulers), unusable(rows)
    metrics = [group for _, group in summary.groupby("metric", sort=False)]
    columns = [_column(group.iloc[0].to_dict(), basis.meanings, marked) for group in metrics]
    cells = [_cells(group, read, marked) for group in metrics]
    lines = [(model, [of_metric.get(model, EMPTY) for of_metric in cells]) for model in basis.models]
    gaps = any(cell is EMPTY for _, line in lines for cell in line)
    said = caption(summary, basis.pairs, decided=bool(summary["best"].any()), gaps=gaps) if columns else ""
    return NumberTable(title, columns, lines, said)


EMPTY = Cell("", None, None, is_best=False, reading="")
"""The cell of a model that has no such output, or that was not measured."""


def _cells(
    summary: pd.DataFrame, read: Mapping[tuple[str, str, str], str], marked: Container[tuple[str, str]]
) -> dict[str, Cell]:
    """Model → its cell for one metric; without a rank where the metric is in `marked`."""
    shades = {} if tuple(summary.iloc[0][["dataset", "metric"]]) in marked else _shades(summary)
    return {
        row["model"]: Cell(
            row["text"],
            float(row["mean"]),
            shades.get(row["model"]),
            is_best=row["best"],
            reading=read.get((row["dataset"], row["model"], row["metric"]), ""),
        )
        for row in summary.to_dict("records")
    }


def _column(row: Mapping[Hashable, Any], meanings: Mapping[str, str], marked: Mapping[tuple[str, str], str]) -> Column:
    metric: str = row["metric"]
    return Column(
        heading=tables.heading(metric, row["direction"], row["units"]),
        direction=row["direction"],
        meaning=meanings.get(metric.partition(" (")[0], ""),
        protocol=", ".join(f"{key} {value}" for key, value in protocol_of(row["protocol"]).items()),
        instrument=marked.get((row["dataset"], metric), ""),
    )


def _shades(group: pd.DataFrame) -> dict[str, int]:
    """Model → its rank by the mean in `SHADES` steps; {} for a number without a direction, or of one model."""
    direction = group["direction"].iloc[0]
    if direction == "none" or len(group) < 2:
        return {}
    ranks = group["mean"].rank(method="min", ascending=direction == "lower") - 1
    steps = (ranks * SHADES / len(group)).astype(int)
    return dict(zip(group["model"], steps.tolist(), strict=True))
