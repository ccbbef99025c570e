"""Run a study: train, measure and report, in the same way for the command line and for Python."""

from __future__ import annotations

import warnings

from vaegan_bench.execution.execution import Execution
from vaegan_bench.report.status.earlier_runs import EarlierRuns
from vaegan_bench.report.status.stored_runs import StoredRuns
from vaegan_bench.report.writing import write_report
from vaegan_bench.system.attempts import Attempts
from vaegan_bench.system.errors import StudyWarning


def run_study(execution: Execution) -> Attempts:
    """Run an execution and write its report; return the attempts, which say what is missing at the end.

    Warns of runs that are trained or measured again because a file is damaged, of checkpoints that are not used because
    code or settings have changed, of code that no run's identity covers, and of plugins whose hooks failed. Raises as
    `Execution.run` does.
    """
    _warn_before(execution)
    try:
        execution.run()
    finally:
        for line in execution.lifecycle.warnings():
            warnings.warn(line, StudyWarning, stacklevel=3)
    attempts = Attempts([*execution.missing(), *_missing_in_tables(execution)])
    if execution.folder.runs():
        execution.progress("writing tables, figures and the page", 0, 1)
        with attempts.part("report"):
            write_report(execution.folder, execution.registry)
        execution.progress("writing tables, figures and the page", 1, 1)
    return attempts


def _missing_in_tables(execution: Execution) -> list[str]:
    """What the tables lack; of a plan that a command with another one has replaced, the numbers that had a problem."""
    folder, work = execution.folder, execution.work
    if folder.study() == execution.record():
        return folder.missing(reported=execution.failures)
    later = f"The tables of {folder.path} follow the plan of a command that was started later."
    warnings.warn(later, StudyWarning, stacklevel=4)
    measured = [work.folder_of(run) for run in execution.plan.runs if run.id not in execution.failures]
    found = ((run.path.name, run.problems(work.settings.keys)) for run in measured)
    return [f"{run}: {metric}: {reason}" for run, problems in found for metric, reason in problems.items()]


def _warn_before(execution: Execution) -> None:
    if execution.plan.unfollowed:
        warnings.warn(execution.plan.unfollowed, StudyWarning, stacklevel=4)
    for run, reason in execution.work.damaged().items():
        warnings.warn(f"Run {run} is trained or measured again: {reason}", StudyWarning, stacklevel=4)
    for new, unused in EarlierRuns(StoredRuns(execution.folder), execution.plan).unused_checkpoints():
        place = f"The checkpoint at step {unused.step} in {execution.folder.path / unused.run}"
        why = f"is not used, and {new.id} starts from step 0: {'; '.join(unused.differing)}"
        warnings.warn(f"{place} {why}. Remove that folder unless you undo the change.", StudyWarning, stacklevel=4)
