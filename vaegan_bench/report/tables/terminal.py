"""The table of a study in a terminal: metrics down, models across, because terminals are narrow."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd
from rich import box
from rich.console import Console, ConsoleOptions, Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from vaegan_bench.report.tables.ablation import LEAVE_ONE_OUT
from vaegan_bench.report.tables.headline import headline
from vaegan_bench.report.tables.instruments import unusable_lines
from vaegan_bench.report.tables.model_table import RUNS, context, families, model_table, part
from vaegan_bench.report.tables.protocols import by_protocol
from vaegan_bench.report.tables.runs import unhealthy
from vaegan_bench.report.tables.words import wrap_label
from vaegan_bench.results.rulers import Ruler

LABEL_WIDTH = 18
"""Characters of a model's label on one line; longer labels are wrapped."""
HEADING_WIDTH = 32
"""Characters of a metric's heading on one line; longer ones, which name their protocol, are wrapped."""
PADDING = 3
"""Characters around a column: a space on both sides and a divider."""


@dataclass(frozen=True)
class TerminalTable:
    """A table that rich prints as one table or, where the terminal is too narrow, as several below each other."""

    cells: pd.DataFrame
    models: list[str]
    title: str | None
    caption: str | None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Table]:
        """One table for as many models as fit side by side, the next for the rest."""
        parts = list(self._fitting(options.max_width))
        for i, models in enumerate(parts):
            first, last = i == 0, i == len(parts) - 1
            yield self._table(models, self.title if first else None, self.caption if last else None)

    def _fitting(self, width: int) -> Iterator[list[str]]:
        headings = self.cells.columns.get_level_values("metric")
        taken = first = max(len(line) for heading in headings for line in _lines(heading)) + PADDING
        part: list[str] = []
        for model in self.models:
            column = self._width_of(model) + PADDING
            if part and taken + column > width:
                yield part
                part, taken = [], first
            part, taken = [*part, model], taken + column
        yield part

    def _width_of(self, model: str) -> int:
        cells = self.cells[self.cells.index.get_level_values("model") == model].to_numpy().ravel()
        texts = [line.partition(" (")[0] for cell in cells for line in Text.from_markup(cell).plain.split("\n")]
        return max(len(line) for line in [*wrap_label(model, LABEL_WIDTH).split("\n"), *texts])

    def _table(self, models: list[str], title: str | None, caption: str | None) -> Table:
        table = Table(title=title, caption=caption, box=box.SIMPLE_HEAD, title_justify="left")
        table.caption_justify = "left"
        table.add_column(overflow="fold")
        for model in models:
            table.add_column(escape(wrap_label(model, LABEL_WIDTH)), justify="right", overflow="fold")
        for lines in _sections(self.cells, models):
            for line in lines:
                table.add_row(*line)
            table.add_section()
        return table


def to_rich(
    rows: pd.DataFrame, title: str | None = None, rulers: Sequence[Ruler] = (), *, headlines: bool = False
) -> TerminalTable:
    """One column per model, one line per metric in sections by family, winners in bold.

    `headlines` shows headline metrics only. Distances are followed by their reading on the `rulers` that fit. Models
    that do not fit side by side follow below.
    Raises `MixedProtocolsError` where values are not comparable.
    """
    rows = by_protocol(rows)
    shown = headline(rows) if headlines else rows
    judged = model_table(shown, "[bold green]{}[/]", rulers, rows).map(lambda cell: cell.replace(", ", "\n"))
    caption = "\n".join([*unusable_lines(shown), *_failures(rows)])
    models = list(rows["model"].unique())
    return TerminalTable(judged.join(context(shown, rows)), models, title and escape(title), escape(caption) or None)


def ablation_to_rich(ablation: pd.DataFrame) -> Group:
    """The leave-one-out table: one table per full model, metrics down, terms across."""
    tables = []
    for (dataset, model), lines in ablation.groupby(level=["dataset", "model"], sort=False):
        table = Table(box=box.SIMPLE_HEAD, title_justify="left", caption_justify="left", caption=LEAVE_ONE_OUT)
        table.title = escape(f"{model} on {dataset}, and what changes without each term")
        table.add_column(overflow="fold")
        for term in lines.index.get_level_values("without"):
            table.add_column(escape(f"− {term}" if term else "full"), justify="right", overflow="fold")
        for metric in lines.columns:
            if (lines[metric] != "").any():
                table.add_row(escape("\n".join(_lines(str(metric)))), *lines[metric])
        tables.append(table)
    return Group(*tables)


def _sections(table: pd.DataFrame, models: list[str]) -> Iterator[list[list[str]]]:
    """Per dataset: its name with the runs, then one section per family."""
    for dataset in table.index.unique("dataset"):
        stand = part(table, dataset, RUNS[0])["runs"].reindex(models, fill_value="")
        yield [[f"[bold]{escape(dataset)}[/]"], ["finished runs", *(text.partition(" (")[0] for text in stand)]]
        for family in families(table, dataset):
            cells = part(table, dataset, family).reindex(models, fill_value="")
            lines = [[escape("\n".join(_lines(str(metric)))), *cells[metric]] for metric in cells]
            yield [[f"[dim]{escape(family)}[/]"], *lines]


def _lines(heading: str) -> list[str]:
    """A heading in lines of at most `HEADING_WIDTH` characters where possible, broken between words."""
    return textwrap.wrap(heading, HEADING_WIDTH, subsequent_indent="  ", break_long_words=False) or [""]


def _failures(rows: pd.DataFrame) -> Iterator[str]:
    return (f"{row.model} on {row.dataset}, seed {row.seed}: {row.health}" for row in unhealthy(rows).itertuples())
