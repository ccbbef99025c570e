"""Worker processes that take the runs of a plan one by one, and the process that they work for."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import wait

from vaegan_bench.api import Progress, StudyError
from vaegan_bench.execution.agenda import LOOK, Agenda, Task
from vaegan_bench.execution.messages import (
    Advanced,
    HookCalled,
    Interrupted,
    Prepared,
    Printed,
    Ready,
    Refused,
    Warned,
)
from vaegan_bench.execution.runner import Call, Outcome, learned_extractors
from vaegan_bench.execution.waiting import Waiting
from vaegan_bench.execution.worker import GRACE, Order
from vaegan_bench.execution.worker_process import WorkerProcess, words_of_exit
from vaegan_bench.study.plan import Plan
from vaegan_bench.study.run import Run

Note = Callable[[Outcome], None]
CHANGED = "its plan has other runs than ours: code was edited since this command began. Run the same command again."
SCRIPTS = "Scripts must start work inside of `if __name__ == '__main__':`, or with workers=1."
REMEDY = "If memory ran out, choose fewer --workers, or a smaller batch."


class Workers:
    """Several processes that work on one plan; hooks, progress and warnings of all are heard in this one."""

    def __init__(self, plan: Plan, order: Order, count: int, call: Call, progress: Progress) -> None:
        self.plan, self.order, self.count, self.call, self.progress = plan, order, count, call, progress
        self.crew: list[WorkerProcess] = []
        self.refusal = ""
        """Why a worker could not begin; then no other is started."""
        self._have_begun = False
        self._waiting, self._looks_again_at = Waiting(call), 0.0
        self._warned: set[Warned] = set()

    def __call__(self, runs: Sequence[Run], note: Note) -> None:
        """Run all runs; `note` learns how each of them ended.

        Raises `StudyError` where no worker can begin, and whatever `note` raises; all workers are ended then.
        """
        self.agenda, self.note = Agenda(runs, self.plan.lenders, self._to_prepare(runs)), note
        try:
            self._start_missing()
            while self.crew and not self.agenda.is_done:
                for worker in self._heard_from():
                    self._hear(worker)
                self._hand_out()
                self._wait_for_others()
        finally:
            self._end()
        self._give_up()

    def _to_prepare(self, runs: Sequence[Run]) -> list[Run]:
        """A run for each data set, where extractors learn from them: better once now than when all wait for it."""
        by_data = {(run.dataset, run.size, run.split): run for run in runs}
        return list(by_data.values()) if learned_extractors(self.plan.metrics) else []

    def _start_missing(self) -> None:
        """Start as many workers as there are tasks for."""
        tasks = len(self.agenda.begun) + len(self.agenda.waiting) + len(self.agenda.passed)
        wanted = min(self.count, tasks)
        while not self.refusal and len(self.crew) < wanted:
            self.crew.append(WorkerProcess.start(self.order))

    def _heard_from(self) -> list[WorkerProcess]:
        """The workers that have said something, or ended; after a while none, where other processes are to be heard."""
        by_connection = {worker.connection: worker for worker in self.crew}
        patience = LOOK if self.agenda.passed else None
        return [by_connection[connection] for connection in wait(list(by_connection), patience)]  # type: ignore[index]

    def _hear(self, worker: WorkerProcess) -> None:
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            self._lose(worker)
        else:
            self._answer(worker, message)

    def _answer(self, worker: WorkerProcess, message: object) -> None:
        match message:
            case HookCalled(hook, what):
                self.call(hook, **what)
            case Advanced(description, done, total):
                self.progress(f"{worker.label}{description}", done, total)
            case Printed(line, is_error):
                (sys.stderr if is_error else sys.stdout).write(f"{line}\n")
            case Warned():
                self._warn(message)
            case Ready(runs):
                self._begin(worker, runs)
            case Refused(reason):
                self.refusal = self.refusal or reason
            case Prepared() | Outcome():
                self._finish(worker, message)
            case Interrupted():
                raise KeyboardInterrupt

    def _warn(self, warning: Warned) -> None:
        """Warn of what several workers met only once."""
        if warning not in self._warned:
            self._warned.add(warning)
            warnings.warn(warning.text, warning.category, stacklevel=2)

    def _begin(self, worker: WorkerProcess, runs: tuple[str, ...]) -> None:
        worker.is_ready = runs == tuple(run.id for run in self.plan.runs)
        if worker.is_ready:
            self._have_begun = True
        else:
            self.refusal = self.refusal or f"A worker process cannot begin: {CHANGED}"
            worker.dismiss()
            self.crew.remove(worker)

    def _finish(self, worker: WorkerProcess, message: Prepared | Outcome) -> None:
        task, worker.task = worker.task, None
        holder = message.holder if isinstance(message, Outcome) else None
        if task is not None:
            self.agenda.pass_over(task, holder) if holder else self.agenda.finish(task)
        if isinstance(message, Outcome):
            self._conclude(message)

    def _conclude(self, outcome: Outcome) -> None:
        if outcome.status:
            self.call("run_ended", run=outcome.run, status=outcome.status)
        if not outcome.holder:
            self.note(outcome)

    def _wait_for_others(self) -> None:
        """Look again at the runs of other processes where a worker is idle, at most once in a while."""
        if self.agenda.is_held_up:
            self._waiting.tell(self.agenda)
        if self.agenda.passed and time.monotonic() > self._looks_again_at:
            self._looks_again_at = time.monotonic() + LOOK
            self.agenda.look_again()
            self._hand_out()

    def _hand_out(self) -> None:
        """Give each idle worker a task, if there is one that need not wait."""
        for worker in self.crew:
            if worker.is_idle and (task := self.agenda.begin()) is not None:
                worker.give(task)

    def _lose(self, worker: WorkerProcess) -> None:
        """Note that a worker ended by itself: what it was doing is tried once more, in a new one."""
        self.crew.remove(worker)
        code = worker.end()
        how = words_of_exit(code)
        if not worker.is_ready:
            remedy = SCRIPTS if code > 0 else REMEDY
            self.refusal = self.refusal or f"A worker process {how} before it could begin. {remedy}"
        if worker.task is not None:
            self._repeat(worker.task, how)
        self._start_missing()

    def _repeat(self, task: Task, how: str) -> None:
        if self.agenda.repeat(task):
            self.call("run_ended", run=task.run, status=f"interrupted: its worker process {how}; it is tried once more")
        elif task.kind == "run":
            reason = f"its worker process {how}, for the second time. {REMEDY}"
            self._conclude(Outcome(task.run, f"failed: {reason}", reason))

    def _give_up(self) -> None:
        """Let what is left fail where no worker can begin. Raises `StudyError` where none ever could."""
        if not self._have_begun and not self.agenda.is_done:
            raise StudyError(self.refusal)
        for task in (task for task in (*self.agenda.waiting, *self.agenda.passed) if task.kind == "run"):
            self._conclude(Outcome(task.run, f"failed: {self.refusal}", self.refusal))

    def _end(self) -> None:
        """End all workers; whose run was not over has been interrupted."""
        crew, self.crew = self.crew, []
        with _killed_at_the_end(crew):
            for worker in crew:
                worker.dismiss()
            for worker in crew:
                if worker.task is not None and worker.task.kind == "run":
                    self.call("run_ended", run=worker.task.run, status="interrupted")
            for worker in crew:
                worker.process.join(GRACE)


@contextmanager
def _killed_at_the_end(crew: Sequence[WorkerProcess]) -> Iterator[None]:
    try:
        yield
    finally:
        for worker in crew:
            worker.process.kill()
            worker.process.join()
