"""The connection of a worker to the process that it works for."""

from __future__ import annotations

import io
import signal
import threading
from multiprocessing.connection import Connection

from vaegan_bench.execution.agenda import Task
from vaegan_bench.execution.messages import Printed


class Ended(KeyboardInterrupt):
    """The parent wants no more of this worker, or is gone. No plugin handles it as a failure."""


class Line:
    """Carries messages to the parent, from any thread, and tasks from it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._alone = threading.Lock()

    def send(self, message: object) -> None:
        """Tell the parent something. Where it does not listen any more, act as if it had ended this process."""
        try:
            with self._alone:
                self.connection.send(message)
        except OSError:
            signal.raise_signal(signal.SIGTERM)

    def receive(self) -> Task | None:
        """Wait for the next task; None where there will be none."""
        try:
            task: Task = self.connection.recv()
        except (EOFError, OSError):
            return None
        return task


class Prints(io.TextIOBase):
    """A stream whose lines go to the parent."""

    def __init__(self, line: Line, *, is_error: bool) -> None:
        self.line, self.is_error = line, is_error
        self._begun = ""

    def write(self, text: str) -> int:
        """Send each line that is complete."""
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            self.line.send(Printed(line, self.is_error))
        return len(text)
