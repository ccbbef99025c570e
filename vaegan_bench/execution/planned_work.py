"""The work that is left of a plan, as engines see it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any, cast

from vaegan_bench.api import Message, Progress, Task
from vaegan_bench.evaluation.calibration import calibrated_extractors
from vaegan_bench.execution.footprint import needed_memory
from vaegan_bench.execution.held_runs import HeldRuns
from vaegan_bench.execution.relay import Receiver
from vaegan_bench.execution.runner import Outcome, Runner
from vaegan_bench.execution.study_extractors import learned_extractors
from vaegan_bench.execution.tasks import Calibrated, CalibrateTask, PrepareTask, RunTask
from vaegan_bench.execution.transfer import TransferredRun, store_transferred
from vaegan_bench.execution.worker_setup import WorkerSetup
from vaegan_bench.results.rulers import write_ruler
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.run import Run
from vaegan_bench.system.errors import FAILURES, StoreError, StudyWarning, reason_of

Note = Callable[[Outcome], None]
Planned = RunTask | PrepareTask | CalibrateTask


class PlannedWork:
    """Some runs of a plan as tasks, and the handling of their results."""

    def __init__(self, runs: Sequence[Run], setup: WorkerSetup, runner: Runner, note: Note, progress: Progress) -> None:
        """`runner` does tasks in this process; `note` is called with the outcome of each run."""
        self.plan, self.setup, self.runner, self.note = runner.plan, setup, runner, note
        self.by_id = {run.id: run for run in runs}
        self.progress = progress
        self.held, self._receiver = HeldRuns(StudyFolder(setup.folder)), Receiver(runner.call, progress)
        self._awaited = set[tuple[str, str]]()
        """(run, token of its claim) for runs that other processes work on, if that was reported already."""

    @cached_property
    def tasks(self) -> Sequence[Task]:
        """First the tasks that prepare something for several runs, then the runs."""
        runs = list(self.by_id.values())
        return [*self._preparations(runs), *map(self._task, runs)]

    @property
    def runs(self) -> int:
        """How many of the tasks are runs."""
        return len(self.by_id)

    @property
    def threads(self) -> int:
        """CPU threads of each run."""
        return self.plan.study.threads

    @property
    def device(self) -> str:
        """The kind of device of all runs."""
        return self.plan.runs[0].device

    @property
    def memory(self) -> int:
        """Bytes that a process needs at least for the largest run."""
        runs, most = {(run.label, run.setting_id): run for run in self.by_id.values()}, 0
        for run in runs.values():
            with suppress(*FAILURES):  # a run whose data cannot be loaded fails by itself
                most = max(most, needed_memory(run, self.runner.work.loaded.get(run)))
        return most

    def here(self, task: Task) -> Outcome | Calibrated | None:
        """Do a task in this process."""
        planned = cast(Planned, task)
        return planned.do(self.runner, self.by_id[planned.run])

    def portable(self, task: Task) -> Task:
        """The same task for a process that shares no folder with this one; its run is held here until it ends."""
        return cast(Planned, task).portable(self.held, self._elsewhere)

    def _elsewhere(self, run: str) -> RunFolder | None:
        """The folder of a run in another study of the results folder, if it can be used instead of a training."""
        with suppress(*FAILURES):  # a run whose data cannot be loaded fails by itself
            data = self.runner.work.loaded.get(self.by_id[run])
            return self.runner.work.elsewhere(self.by_id[run], data.digest)
        return None

    def receive(self, message: Message) -> None:
        """Act on a message of a task."""
        self.held.report(message)
        self._receiver(message)

    def close(self) -> None:
        """Release the runs that are still held: the engine has ended."""
        self.held.close()

    def end(self, task: Task, result: Any) -> bool:
        """Take the result of a task; False where another process works on its run. Raises whatever `note` raises."""
        if isinstance(result, TransferredRun):
            result = store_transferred(result, self.held)
        if isinstance(result, Calibrated):
            self._store(task, result)
        if isinstance(result, Outcome):
            self._conclude(result)
            return result.holder is None
        return True

    def repeat(self, task: Task, reason: str) -> None:
        """Note that a run is begun once more."""
        if isinstance(task, RunTask):
            self.runner.call("run_ended", run=task.name, status=f"interrupted: {reason}; it is tried once more")

    def give_up(self, task: Task, reason: str) -> None:
        """Note that a run failed. Nothing is noted for a preparation: runs do without it, or report what they lack."""
        if isinstance(task, RunTask):
            self.held.release(task.name)
            self._conclude(Outcome.failed(task.name, reason))

    def _task(self, run: Run) -> RunTask:
        lenders = {lender.id for lender in self.plan.lenders[run.id].values()}
        return RunTask(run.id, frozenset(lenders), self.setup)

    def _preparations(self, runs: Sequence[Run]) -> list[PrepareTask | CalibrateTask]:
        """One task per data set if extractors learn from the data, and one for each ruler that the study asks for."""
        by_data = {run.data_label: run.id for run in runs}.values()
        learned = learned_extractors(self.plan.metrics)
        prepared = [PrepareTask(run, self.setup) for run in by_data] if learned else []
        asked = calibrated_extractors(self.plan.metrics) if self.plan.study.calibrate else {}
        before = frozenset(task.name for task in prepared)
        return [*prepared, *(CalibrateTask(run, each, self.setup, before) for run in by_data for each in asked)]

    def _store(self, task: Task, result: Calibrated) -> None:
        """Write a ruler, or warn that there is none: distances then have no reading, and all else goes on."""
        try:
            if result.ruler:
                write_ruler(self.setup.folder, result.ruler)
            problem = result.problem
        except StoreError as error:
            problem = reason_of(error)
        if problem:
            warnings.warn(f"No {task.name}: {problem}", StudyWarning, stacklevel=2)

    def _conclude(self, outcome: Outcome) -> None:
        if outcome.status:
            self.runner.call("run_ended", run=outcome.run, status=outcome.status)
        if outcome.holder is None:
            self.note(outcome)
        elif (outcome.run, outcome.holder.token) not in self._awaited:
            self._awaited.add((outcome.run, outcome.holder.token))
            self.runner.call("run_awaited", run=outcome.run, holder=str(outcome.holder))
