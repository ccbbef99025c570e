"""Run a study: train, measure and report, in the same way for the command line and for Python."""

from __future__ import annotations

import warnings
from contextlib import suppress

from vaegan_bench.execution.execution import Execution
from vaegan_bench.report.status.earlier_runs import EarlierRuns
from vaegan_bench.report.status.stored_runs import StoredRuns
from vaegan_bench.report.writing import write_report
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.plan import Plan
from vaegan_bench.system.attempts import Attempts
from vaegan_bench.system.errors import StoreError, StudyWarning


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
    attempts = Attempts([*execution.missing(), *execution.folder.missing()])
    if execution.folder.runs():
        execution.progress("writing tables, figures and the page", 0, 1)
        with attempts.part("report"):
            write_report(execution.folder, execution.registry)
        execution.progress("writing tables, figures and the page", 1, 1)
    return attempts


def no_longer_shown(folder: StudyFolder, plan: Plan) -> str:
    """A warning about finished runs of the last plan in a folder that this plan has not; '' where there is none."""
    planned = {run.id for run in plan.runs}
    with suppress(StoreError):
        gone = [name for name in folder.study().runs if name not in planned and folder.run(name).has_ended]
        if not gone:
            return ""
        why = [
            f" {run.id} is trained although {record.id} is finished: {', '.join(differing)}."
            for run, record, differing in EarlierRuns(StoredRuns(folder), plan, gone).replaced()
        ]
        runs = f"{len(gone)} finished runs" if len(gone) > 1 else f"The finished run {gone[0]}"
        are, them = ("are", "them") if len(gone) > 1 else ("is", "it")
        return (
            f"{runs} of the study that {folder.path} holds {are} not in this one: its tables and figures will not show "
            f"{them}. Another name keeps both studies.{''.join(why[:1])}"
        )
    return ""


def _warn_before(execution: Execution) -> None:
    if execution.plan.unfollowed:
        warnings.warn(execution.plan.unfollowed, StudyWarning, stacklevel=4)
    for run, reason in execution.work.damaged().items():
        warnings.warn(f"Run {run} is trained or measured again: {reason}", StudyWarning, stacklevel=4)
    if lines := no_longer_shown(execution.folder, execution.plan):
        warnings.warn(lines, StudyWarning, stacklevel=4)
    for new, unused in EarlierRuns(StoredRuns(execution.folder), execution.plan).unused_checkpoints():
        place = f"The checkpoint at step {unused.step} in {execution.folder.path / unused.run}"
        why = f"is not used, and {new.id} starts from step 0: {'; '.join(unused.differing)}"
        warnings.warn(f"{place} {why}. Remove that folder unless you undo the change.", StudyWarning, stacklevel=4)
