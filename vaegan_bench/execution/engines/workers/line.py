"""The connection of a worker to the process that it works for."""

from __future__ import annotations

import threading
from multiprocessing.connection import Connection

from vaegan_bench.api import Task


class Ended(KeyboardInterrupt):
    """The parent wants no more of this worker, or is gone. No plugin handles it as a failure."""

    def __init__(self, *, by_signal: bool = False) -> None:
        super().__init__()
        self.by_signal = by_signal


class Line:
    """Carries messages to the parent, from any thread, and tasks from it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._alone = threading.Lock()

    def send(self, message: object) -> None:
        """Tell the parent something. Raises `Ended` where it does not listen any more."""
        try:
            with self._alone:
                self.connection.send(message)
        except OSError as error:
            raise Ended from error

    def receive(self) -> Task | None:
        """Wait for the next task; None where there will be none."""
        try:
            task: Task = self.connection.recv()
        except (EOFError, OSError):
            return None
        return task
