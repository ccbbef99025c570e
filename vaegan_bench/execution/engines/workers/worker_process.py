"""One worker process, as seen by the process that started it."""

from __future__ import annotations

import multiprocessing
import signal
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from vaegan_bench.api import Task
from vaegan_bench.execution.engines.blocked_signals import blocked_signals
from vaegan_bench.execution.engines.workers.worker import GRACE, work


@dataclass
class WorkerProcess:
    """A process, the connection to it, and its current task."""

    process: SpawnProcess
    connection: Connection
    is_ready: bool = False
    """Whether it has started up, and waits for a task or does one."""
    task: Task | None = None
    lost: str = ""
    """Why it can do no further task; '' where it can."""

    @classmethod
    def start(cls) -> WorkerProcess:
        """Start a process; not as a fork, because this process has loaded torch and its threads."""
        spawn = multiprocessing.get_context("spawn")
        ours, theirs = spawn.Pipe()
        process = spawn.Process(target=work, args=(theirs,))
        with blocked_signals():
            process.start()
        theirs.close()  # or the end of the process would not close the connection
        return cls(process, ours)

    @property
    def is_idle(self) -> bool:
        """Whether it waits for a task."""
        return self.is_ready and self.task is None

    def give(self, task: Task) -> None:
        """Send it a task. If it has just ended, that is noticed when its answer is read."""
        self.task = task
        with suppress(OSError):
            self.connection.send(task)

    def dismiss(self) -> None:
        """Let it end: at once if it waits for a task, and after cleaning up if it does one."""
        self.connection.close()
        if not self.is_idle:
            self.process.terminate()

    def end(self) -> int:
        """Wait for the end of a process that has closed its connection; return its exit code."""
        self.connection.close()
        self.process.join(GRACE)
        self.process.kill()  # does nothing to a process that has ended
        self.process.join()
        return self.process.exitcode or 0


def words_of_exit(code: int) -> str:
    """How a process ended, as a phrase after 'it': 'was killed by SIGKILL'."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
