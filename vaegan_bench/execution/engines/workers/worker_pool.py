"""Worker processes that do tasks one by one, as managed by the process that starts them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import wait

from vaegan_bench.api import StudyError, Task, Work
from vaegan_bench.execution.engines.agenda import Agenda
from vaegan_bench.execution.engines.refusals import refusal_of, warn_of
from vaegan_bench.execution.engines.workers.messages import Done, Interrupted, Lost, Ready, Refused, Sent
from vaegan_bench.execution.engines.workers.worker import GRACE
from vaegan_bench.execution.engines.workers.worker_process import WorkerProcess, words_of_exit

LOOK = 0.5
"""Seconds between attempts to give an idle worker a run that other processes were working on."""
SCRIPTS = "Scripts must start work inside of `if __name__ == '__main__':`, or with workers=1."
REMEDY = "If memory ran out, choose fewer --workers, or a smaller batch."


class WorkerPool:
    """Several processes that do the tasks of one study."""

    def __init__(self, work: Work, count: int) -> None:
        self.work, self.count = work, count
        self.agenda = Agenda(work.tasks)
        self.workers: list[WorkerProcess] = []
        self.refusal = ""
        """The reason why a worker could not begin, after which no other is started; '' where none failed so."""
        self._has_begun = False
        """Whether a task has begun in one of the workers."""

    def run(self) -> None:
        """Do all tasks.

        Raises `StudyError` where no worker can begin, and whatever `work` raises; all workers are ended then.
        """
        try:
            self._start_missing()
            while self.workers and not self.agenda.is_done:
                for worker in self._with_news():
                    self._receive(worker)
                self._hand_out()
        finally:
            self._end()
        self._give_up()

    def _start_missing(self) -> None:
        """Start as many workers as there are tasks for."""
        wanted = min(self.count, len(self.agenda.begun) + len(self.agenda.waiting))
        while not self.refusal and len(self.workers) < wanted:
            self.workers.append(WorkerProcess.start())

    def _with_news(self) -> list[WorkerProcess]:
        """The workers that have sent a message or ended, after waiting for at most `LOOK` seconds."""
        by_connection = {worker.connection: worker for worker in self.workers}
        return [by_connection[connection] for connection in wait(list(by_connection), LOOK)]  # type: ignore[index]

    def _receive(self, worker: WorkerProcess) -> None:
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            self._replace(worker)
        else:
            self._answer(worker, message)

    def _answer(self, worker: WorkerProcess, message: object) -> None:
        match message:
            case Ready():
                worker.is_ready = True
            case Sent(message):
                self._has_begun = True
                self.work.receive(message)
            case Done(result):
                self._has_begun = True
                self._finish(worker, result)
            case Refused(reason):
                self._refuse(worker, reason)
            case Lost(reason):
                worker.lost = reason
            case Interrupted():
                raise KeyboardInterrupt

    def _finish(self, worker: WorkerProcess, result: object) -> None:
        task, worker.task = worker.task, None
        if task is not None:
            self.agenda.end(task, is_over=self.work.end(task, result))

    def _refuse(self, worker: WorkerProcess, reason: str) -> None:
        """Note that a worker cannot do tasks of the study: its task is left for the others, and none replaces it."""
        self.workers.remove(worker)
        worker.end()
        if worker.task is not None:
            self.agenda.postpone(worker.task)
        self.refusal = self.refusal or refusal_of(reason)

    def _hand_out(self) -> None:
        """Give each idle worker a task, if there is one that need not wait."""
        for worker in self.workers:
            if worker.is_idle and (task := self.agenda.begin()) is not None:
                worker.give(task)

    def _replace(self, worker: WorkerProcess) -> None:
        """Note that a worker died: its task is tried once more, in a new worker."""
        self.workers.remove(worker)
        code = worker.end()
        how = f"has ended: {worker.lost.removesuffix('.')}" if worker.lost else words_of_exit(code)
        if not worker.is_ready:
            remedy = SCRIPTS if code > 0 else REMEDY
            self.refusal = self.refusal or f"A worker process {how} before it could begin. {remedy}"
        if worker.task is not None:
            self._repeat(worker.task, f"its worker process {how}")
        self._start_missing()

    def _repeat(self, task: Task, reason: str) -> None:
        if self.agenda.repeat(task):
            self.work.repeat(task, reason)
        else:
            self.work.give_up(task, f"{reason}, for the second time. {REMEDY}")

    def _give_up(self) -> None:
        """Give up the tasks that no worker could begin. Raises `StudyError` where no task has begun in any worker."""
        if not self._has_begun and not self.agenda.is_done:
            raise StudyError(self.refusal)
        if self.refusal and self.agenda.is_done:
            warn_of(self.refusal)
        for task in self.agenda.waiting:
            self.work.give_up(task, self.refusal)

    def _end(self) -> None:
        """End all workers."""
        ended, self.workers = self.workers, []
        with _killed_at_the_end(ended):
            for worker in ended:
                worker.dismiss()
            end = time.monotonic() + GRACE
            for worker in ended:
                worker.process.join(max(0, end - time.monotonic()))


@contextmanager
def _killed_at_the_end(workers: Sequence[WorkerProcess]) -> Iterator[None]:
    try:
        yield
    finally:
        for worker in workers:
            worker.process.kill()
            worker.process.join()
