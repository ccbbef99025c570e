"""Numbers on single attributes, by model, beside their floor (chance) and their ceiling (real images)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from vaegan_bench.report.tables.bounds import BOUNDS, BOUNDS_MEAN
from vaegan_bench.report.tables.markdown_table import markdown_table
from vaegan_bench.report.tables.protocols import by_protocol
from vaegan_bench.report.tables.summary import summarise
from vaegan_bench.report.tables.words import as_code, cell, heading, in_markdown, number
from vaegan_bench.system.errors import one_line

MEANING = (
    "Means over seeds with 95 % t-intervals; a number of a single seed has its 95 % interval over images, as "
    "[low, high] where that is not symmetric. (n = 3) follows a number of three seeds of a model that has more. "
    f"{BOUNDS_MEAN} Both are averaged over models and seeds."
)

SYMMETRIC = 0.05
"""The two sides of an interval written with ± differ by at most this share."""


def attributes_to_markdown(rows: pd.DataFrame, title: str) -> str:
    """One table per data set and metric: attributes down, models across, with the mean ceiling and floor.

    '' where no metric has numbers on single attributes. Raises `MixedProtocolsError` where values are not comparable.
    """
    rows = by_protocol(rows)
    single = rows[rows["attribute"] != ""]
    parts = [part for dataset, group in single.groupby("dataset", sort=False) for part in _tables(str(dataset), group)]
    return "\n\n".join([f"# {one_line(title)}", MEANING, *parts]) + "\n" if parts else ""


def _tables(dataset: str, rows: pd.DataFrame) -> Iterator[str]:
    yield f"## {in_markdown(dataset)}"
    for metric, group in rows.groupby("metric", sort=False):
        first = group.iloc[0]
        yield f"### {heading(str(metric), first['direction'], first['units'])}"
        yield _table(by_attribute(group))


def by_attribute(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of one metric on one data set as text: attributes down, models across, bounds behind them.

    A cell of several seeds is their mean with its 95 % t-interval, one of a single seed has its interval over images.
    Cells of fewer seeds than the model's other cells say how many.
    """
    summary = summarise(rows).set_index(["attribute", "model"])
    ends = rows.groupby(["attribute", "model"])[["low", "high"]].mean().reindex(summary.index)
    most = summary["seeds"].groupby(level="model").transform("max")
    shown = summary[["mean", "half_width", "seeds"]].join(ends).itertuples(index=False)
    notes = [f" (n = {n})" if n < of else "" for n, of in zip(summary["seeds"], most, strict=True)]
    texts = [_cell(*each) + note for each, note in zip(shown, notes, strict=True)]
    cells = pd.Series(texts, index=summary.index, dtype=object)
    table = cells.unstack("model", fill_value="").reindex(rows["attribute"].unique())[rows["model"].unique()]
    bounds = rows.groupby("attribute", sort=False)[[*BOUNDS]].mean().dropna(axis=1, how="all")
    return pd.concat([table, bounds.map(number).reindex(table.index)], axis=1)  # a model may be called 'floor'


def _cell(mean: float, half_width: float, seeds: int, low: float, high: float) -> str:
    """A mean over seeds with its interval, or a number of one seed with its interval over images, if it has one."""
    if seeds > 1 or math.isnan(low) or math.isnan(high):
        return cell(mean, half_width)
    if math.isclose(high - mean, mean - low, rel_tol=SYMMETRIC):
        return cell(mean, (high - low) / 2)
    return f"{number(mean)} [{number(low)}, {number(high)}]"


def _table(cells: pd.DataFrame) -> str:
    head = ["attribute", *(name if name in BOUNDS else as_code(name) for name in cells.columns)]
    lines = zip(cells.index, cells.to_numpy().tolist(), strict=True)
    return markdown_table(head, ([in_markdown(attribute), *texts] for attribute, texts in lines))
