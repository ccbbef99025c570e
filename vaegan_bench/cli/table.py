"""`vaegan-bench table`: the comparison of a study, printed."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from vaegan_bench.cli.options import StudyPath, asked_study
from vaegan_bench.cli.study_table import print_study_table
from vaegan_bench.cli.terminal import say, terminal

if TYPE_CHECKING:
    import pandas as pd


class Format(StrEnum):
    """The format of the output."""

    TABLE = "table"
    MARKDOWN = "markdown"
    LATEX = "latex"
    CSV = "csv"


AllOption = Annotated[bool, typer.Option("--all", help="All numbers, not the headlines alone.")]
FormatOption = Annotated[
    Format,
    typer.Option(
        "--format",
        help="table; markdown or latex for a paper: models down, metrics across; csv: a line per number, with mean and "
        "half-width of the interval.",
    ),
]


def table(study: StudyPath = None, everything: AllOption = False, form: FormatOption = Format.TABLE) -> None:
    """Print the headlines of a study's comparison, or all of its numbers; nothing is written.

    Exit code 1 where runs are left out or not trained, or numbers are missing.

    Examples: `vaegan-bench table`, `vaegan-bench table results/quick --all`,
    `vaegan-bench table results/quick --format latex`
    """
    from vaegan_bench.results.study_folder import StudyFolder
    from vaegan_bench.system.attempts import Attempts

    folder = StudyFolder(asked_study(study))
    if form is Format.TABLE:
        print_study_table(terminal(), folder, headlines=not everything)
    else:
        say(_to_paste(folder.rows(), form, headlines=not everything).rstrip("\n"))
        say(f"Study: {folder.path}", error=True)
    Attempts(folder.missing()).conclude()


def _to_paste(rows: pd.DataFrame, form: Format, *, headlines: bool) -> str:
    from vaegan_bench.report import tables

    if form is Format.CSV:
        return tables.tidy(rows, headlines=headlines).to_csv(index=False)
    write = tables.to_latex if form is Format.LATEX else tables.to_paste
    return write(rows, headlines=headlines)
