"""The table of a study as commands print it: the headlines, and how to see the other numbers."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from vaegan_bench.cli.terminal import say

if TYPE_CHECKING:
    from rich.console import Console

    from vaegan_bench.results.study_folder import StudyFolder


def print_study_table(console: Console, folder: StudyFolder, *, headlines: bool = True) -> None:
    """Print the headlines of a study below its folder, and how many more numbers there are; or all numbers."""
    from vaegan_bench.report import tables
    from vaegan_bench.report.summary import NOTHING_TO_MEASURE

    rows = folder.rows()
    console.print(tables.to_rich(rows, str(folder.path), folder.rulers(rows), headlines=headlines))
    shown, there = (tables.count_numbers(part) for part in (tables.headline(rows), rows))
    if headlines and shown < there:
        path = shlex.quote(str(folder.path))
        say(f"{shown} of {there} numbers: `vaegan-bench table {path} --all` prints the other {there - shown}, too.")
    for metric in folder.without_numbers():
        say(f"{metric}: {NOTHING_TO_MEASURE}.")
