"""`vaegan-bench status`: the progress of a study, and what the same command would do again, and why."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vaegan_bench.cli.interruption import EndedBySignal
from vaegan_bench.cli.options import PluginFiles, ResultsOption
from vaegan_bench.cli.terminal import say, table, terminal

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from vaegan_bench.report.status.run_status import RunStatus
    from vaegan_bench.report.status.study_status import StudyStatus

INTERVAL = 2.0
"""Seconds between two updates of --watch."""
MOST_ROWS = 200
"""Runs in a table, at most: if there are more, only unfinished ones are shown."""
AROUND = 8
"""Lines of a terminal that are needed for other text than the rows of the table."""
COLUMNS = ("run", "data set", "state", "host", "images/s", "left", "why")
ALWAYS = ("run", "state")
"""Columns that are shown even where they are empty."""

Look = Callable[[], "list[StudyStatus]"]
"""Returns the present progress of studies."""


class Format(StrEnum):
    """The format of the output."""

    TABLE = "table"
    JSON = "json"


StudyArgument = Annotated[
    str | None,
    typer.Argument(
        help="The folder of a study as it was last run, such as results/quick; or what run takes, the name of a study "
        "or a TOML file, compared with its folder in --results. By default one line for each study in --results.",
        show_default=False,
    ),
]
WatchOption = Annotated[bool, typer.Option("--watch", help="Show it anew every 2 seconds, until Ctrl-C.")]
FormatOption = Annotated[
    Format, typer.Option("--format", help="table, or json for scripts: a list of runs, or of studies.")
]


def status(
    study: StudyArgument = None,
    results: ResultsOption = Path("results"),
    plugin: PluginFiles = None,
    watch: WatchOption = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show how far a study is: each run's state, who trains it, and what would be trained or measured again, and why.

    It writes nothing and waits for no process.

    Examples: `vaegan-bench status`, `vaegan-bench status results/quick --watch`,
    `vaegan-bench status my-study.toml --plugin my_loss.py`, `vaegan-bench status results/quick --format json`
    """
    console = terminal()
    if watch:
        _check_can_watch(console, form)
    look = partial(_all_studies, results) if study is None else _one_study(study, results, plugin or [])
    draw, plain = (partial(_studies_table, results), _plain_studies) if study is None else (_runs_table, _plain_runs)
    if form is Format.JSON:
        say(json.dumps(plain(look()), indent=1, ensure_ascii=False))
    elif watch:
        keep_current(console, lambda: draw(look(), max(1, console.height - AROUND)))
    else:
        console.print(draw(look(), MOST_ROWS))


def keep_current(
    console: Console, draw: Callable[[], RenderableType], pause: Callable[[float], None] = time.sleep
) -> None:
    """Show the result of `draw`, updated every two seconds, until Ctrl-C."""
    from rich.live import Live

    try:
        with Live(draw(), console=console, auto_refresh=False) as live:
            while True:
                pause(INTERVAL)
                live.update(draw(), refresh=True)
    except EndedBySignal:
        raise
    except KeyboardInterrupt:
        return


def _check_can_watch(console: Console, form: Format) -> None:
    from vaegan_bench.system.errors import StudyError

    if form is Format.JSON:
        raise StudyError("--watch shows a table: leave out --format json, or call the command again and again.")
    if not console.is_terminal:
        raise StudyError("--watch needs a terminal: leave it out, or use --format json in scripts.")


def _all_studies(results: Path) -> list[StudyStatus]:
    """The status of every study in the results folder, by its records; an unreadable study has the reason as a note."""
    from vaegan_bench.report.status.recorded import recorded_status, studies_in, unreadable_status
    from vaegan_bench.system.errors import StoreError

    found = []
    for folder in studies_in(results):
        try:
            found.append(recorded_status(folder))
        except StoreError as error:
            found.append(unreadable_status(folder, str(error)))
    return found


def _one_study(written: str, results: Path, plugins: Sequence[str]) -> Look:
    """A function that returns the status of one study, which is planned again only when it has changed.

    Raises `BenchError` where `written` names no study.
    """
    from vaegan_bench.registry.plugins import Registry
    from vaegan_bench.report.status.asked_study import CurrentStatus, find_study

    registry = Registry(plugins)
    look = CurrentStatus(partial(find_study, written, results, registry.studies), registry)
    return lambda: [look()]


def _plain_runs(found: Sequence[StudyStatus]) -> list[dict[str, Any]]:
    (status,) = found
    for note in status.notes:
        say(f"Note: {note}", error=True)
    return [run.as_plain() for run in status.runs]


def _plain_studies(found: Sequence[StudyStatus]) -> list[dict[str, Any]]:
    return [status.as_plain() for status in found]


def _studies_table(results: Path, found: Sequence[StudyStatus], most: int) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    lines = [line for status in found for line in (status.summary(), *(f"  {note}" for note in status.notes))]
    shown = [*lines[:most], *([f"… and {len(lines) - most} more lines"] if len(lines) > most else [])]
    return Group(*map(Text, shown or [f"There is no study in {results} yet: start one with vaegan-bench run."]))


def _runs_table(found: Sequence[StudyStatus], most: int) -> RenderableType:
    """The summary, the notes and a table of the runs."""
    from rich.console import Group
    from rich.markup import escape
    from rich.text import Text

    (status,) = found
    shown = status.most_urgent(most)
    rows = [dict(zip(COLUMNS, _cells(run), strict=True)) for run in shown]
    several = len({run.dataset for run in status.runs}) > 1
    filled = [name for name in COLUMNS if name in ALWAYS or any(row[name] for row in rows)]
    columns = [name for name in filled if name != "data set" or several]
    made = table(*columns)
    for row in rows:
        made.add_row(*(escape(row[name]) for name in columns))
    rest = len(status.runs) - len(shown)
    more = [Text(f"… and {rest} more runs; --format json lists all.")] if rest else []
    return Group(Text(status.summary()), *map(Text, status.notes), *([made] if rows else []), *more)


def _cells(run: RunStatus) -> list[str]:
    from vaegan_bench.report.tables.words import duration

    speed = "" if run.images_per_second is None else f"{run.images_per_second:,.0f}"
    left = "" if run.seconds_left is None else duration(run.seconds_left / 60)
    return [run.run, run.dataset, run.state_in_words(), run.host, speed, left, run.why_in_words()]
