"""The connection of a worker to the process that it works for."""

from __future__ import annotations

import signal
import threading
from multiprocessing.connection import Connection

from vaegan_bench.api import Task


class Ended(KeyboardInterrupt):
    """The parent wants no more of this worker, or is gone. No plugin handles it as a failure."""


class Line:
    """Carries messages to the parent, from any thread, and tasks from it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._alone = threading.Lock()

    def send(self, message: object) -> None:
        """Send to the parent. Where it does not receive any more, act as if it had ended this process."""
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
