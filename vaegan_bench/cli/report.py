"""`vaegan-bench report`: the tables and figures of a study, written again."""

from __future__ import annotations

import webbrowser
from typing import Annotated

import typer

from vaegan_bench.cli.options import PluginFiles, StudyPath, asked_study
from vaegan_bench.cli.terminal import say, terminal


def report(
    study: StudyPath = None,
    archive: Annotated[
        bool, typer.Option("--archive", help="Also put the records of all runs into records.zip, to publish them.")
    ] = False,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    plugin: PluginFiles = None,
) -> None:
    """Write the page, the tables, the figures and the summary of a study again, from the records of its runs.

    Exit code 1 where runs are left out or not trained, numbers are missing, or a figure cannot be written.

    Examples: `vaegan-bench report --open`, `vaegan-bench report results/quick --archive`
    """
    from vaegan_bench.registry.plugins import Registry
    from vaegan_bench.report.page.page import PAGE
    from vaegan_bench.report.writing import report_files, write_report
    from vaegan_bench.results.archive import archive_study
    from vaegan_bench.results.study_folder import StudyFolder
    from vaegan_bench.system.attempts import Attempts

    folder, registry = StudyFolder(asked_study(study)), Registry(plugin or [])
    folder.shown()  # raises where there is nothing to show
    attempts = Attempts(folder.missing())
    with terminal().status("Writing tables, figures and the page"), attempts.part("report"):
        write_report(folder, registry)
    for path in report_files(folder):
        say(str(path))
    if archive:
        with attempts.part("--archive"):
            say(str(archive_study(folder)))
    if open_page and not webbrowser.open((folder.path / PAGE).absolute().as_uri()):
        attempts.lines.append(f"No browser could be opened: open {folder.path / PAGE} by hand.")
    attempts.conclude()
