"""Tables to paste into a paper, models down and metrics across, and the same numbers as tidy rows."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from vaegan_bench.report.tables.captions import caption
from vaegan_bench.report.tables.headline import headline
from vaegan_bench.report.tables.instruments import MARK, unusable, unusable_lines
from vaegan_bench.report.tables.markdown_table import markdown_table
from vaegan_bench.report.tables.model_table import cells_of, wins
from vaegan_bench.report.tables.paired_differences import paired_differences
from vaegan_bench.report.tables.protocols import by_protocol
from vaegan_bench.report.tables.summary import overall, rank_of_family, summarise
from vaegan_bench.report.tables.words import as_code, heading, in_markdown
from vaegan_bench.system.errors import one_line

TIDY = ["dataset", "model", "family", "metric", "mean", "half_width", "seeds", "units", "direction", "best", "usable"]


class Cell(NamedTuple):
    """A number with its interval as text, '' where there is none, and whether a verdict makes its model the best."""

    text: str = ""
    best: bool = False


class Column(NamedTuple):
    """A metric as a heading shows it; † marks one whose extractor is not usable on the data."""

    metric: str
    direction: str
    units: str
    usable: bool


class TypesetTable(NamedTuple):
    """One table as names and numbers, not yet in Markdown or LaTeX."""

    title: str
    columns: list[Column]
    lines: dict[str, list[Cell]]
    """Model → its cells."""
    caption: str


def tidy(rows: pd.DataFrame, *, headlines: bool = False) -> pd.DataFrame:
    """One row per data set, model and metric: mean, half-width of the 95 % interval, seeds, units and direction.

    'best' says whether a verdict makes the model better than every other, 'usable' whether the extractor sees the data.
    With `headlines`, only headline metrics.
    Raises `MixedProtocolsError` where values are not comparable.
    """
    rows = by_protocol(rows)
    return _tidy(rows, headline(rows) if headlines else rows, paired_differences(rows))


def _tidy(rows: pd.DataFrame, shown: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """The rows of `tidy` for a part of the rows that are named by protocol; `pairs`: the comparisons of all of them."""
    summary, marked = summarise(overall(shown)), unusable(rows)
    usable = [key not in marked for key in zip(summary["dataset"], summary["metric"], strict=True)]
    return summary.assign(best=[*wins(summary, pairs)], usable=usable)[TIDY]


def typeset(rows: pd.DataFrame, *, headlines: bool) -> list[TypesetTable]:
    """A table per data set with its headlines; or all numbers, a table per data set and family.

    Raises `MixedProtocolsError` where values are not comparable.
    """
    rows = by_protocol(rows)
    shown, pairs = headline(rows) if headlines else rows, paired_differences(rows)
    summary = _tidy(rows, shown, pairs)
    summary = summary.assign(text=[*cells_of(summary, rows)], rank=summary["family"].map(rank_of_family))
    found = []
    for dataset in summary["dataset"].unique().tolist():
        ordered = summary[summary["dataset"] == dataset].sort_values("rank", kind="stable")
        if headlines:
            found.append(_table(dataset, ordered, pairs, shown, rows))
        else:
            parts = ordered.groupby("family", sort=False)
            found += [_table(f"{dataset}, {family!s}", part, pairs, shown, rows) for family, part in parts]
    return found


def to_paste(rows: pd.DataFrame, *, headlines: bool) -> str:
    """The tables of `typeset` in Markdown, each with its caption below."""
    return "\n".join(_markdown(table) for table in typeset(rows, headlines=headlines))


def _table(
    title: str, summary: pd.DataFrame, pairs: pd.DataFrame, shown: pd.DataFrame, rows: pd.DataFrame
) -> TypesetTable:
    of_dataset = summary["dataset"].iloc[0]
    columns = [Column(*each) for each in summary[[*Column._fields]].drop_duplicates().itertuples(index=False)]
    each = zip(*(summary[name] for name in ("model", "metric", "text", "best")), strict=True)
    found = {(model, metric): Cell(text, best) for model, metric, text, best in each}
    models = rows.loc[rows["dataset"] == of_dataset, "model"].unique()
    lines = {str(model): [found.get((model, column.metric), Cell()) for column in columns] for model in models}
    cells = [cell for line in lines.values() for cell in line]
    said = caption(summary, pairs, decided=any(cell.best for cell in cells), gaps=not all(cell.text for cell in cells))
    marked = shown[(shown["dataset"] == of_dataset) & shown["metric"].isin(summary["metric"])]
    return TypesetTable(title, columns, lines, " ".join([said, *unusable_lines(marked)]))


def _markdown(table: TypesetTable) -> str:
    head = ["model", *map(_heading, table.columns)]
    body = markdown_table(head, ([as_code(model), *map(_cell, cells)] for model, cells in table.lines.items()))
    return f"{body}\n\n{in_markdown(one_line(table.title))}: {table.caption}\n"


def _heading(column: Column) -> str:
    units = in_markdown(column.units) if column.units else ""
    return heading(in_markdown(column.metric), column.direction, units) + ("" if column.usable else MARK)


def _cell(cell: Cell) -> str:
    return f"**{cell.text}**" if cell.best else cell.text
