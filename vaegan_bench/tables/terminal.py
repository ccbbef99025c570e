"""The comparison in a terminal: metrics down, models across, because terminals are narrow."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from rich import box
from rich.markup import escape
from rich.table import Table

from vaegan_bench.tables.comparison import RUNS, comparison, context, families, part
from vaegan_bench.tables.runs import unfinished
from vaegan_bench.tables.words import wrapped

LABEL_WIDTH = 18
"""Longer labels of models go on over several lines."""


def to_rich(rows: pd.DataFrame, title: str | None = None) -> Table:
    """One column per model, one line per metric in sections by family, the best mean in bold.

    Raises `MixedProtocolsError` where values are not comparable.
    """
    table = comparison(rows, best="[bold green]{}[/]").join(context(rows))
    models = list(rows["model"].unique())
    shown = _empty(models, title, caption=_failures(rows))
    for lines in _sections(table, models):
        for line in lines:
            shown.add_row(*line)
        shown.add_section()
    return shown


def _empty(models: list[str], title: str | None, caption: str | None) -> Table:
    table = Table(title=title and escape(title), caption=caption, box=box.SIMPLE_HEAD, title_justify="left")
    table.caption_justify = "left"
    table.add_column(no_wrap=True)
    for model in models:
        table.add_column(escape(wrapped(model, LABEL_WIDTH)), justify="right", overflow="fold")
    return table


def _sections(table: pd.DataFrame, models: list[str]) -> Iterator[list[list[str]]]:
    """Per dataset: its name with the runs, then one section per family."""
    for dataset in table.index.unique("dataset"):
        stand = part(table, dataset, RUNS[0])["runs"].reindex(models, fill_value="")
        yield [[f"[bold]{escape(dataset)}[/]"], ["finished runs", *(told.partition(" (")[0] for told in stand)]]
        for family in families(table, dataset):
            cells = part(table, dataset, family).reindex(models, fill_value="")
            lines = [[escape(str(metric)), *cells[metric]] for metric in cells]
            yield [[f"[dim]{escape(family)}[/]"], *lines]


def _failures(rows: pd.DataFrame) -> str | None:
    told = (f"{row.model} on {row.dataset}, seed {row.seed}: {row.status}" for row in unfinished(rows).itertuples())
    return escape("\n".join(told)) or None
