"""The connection of a worker to the process that it works for."""

from __future__ import annotations

import signal
import threading
from multiprocessing.connection import Connection

from vaegan_bench.api import Task


class Ended(KeyboardInterrupt):
    """The parent process ends this worker, or is gone. It is never handled as the failure of a plugin."""


class ParentConnection:
    """Sends messages to the parent process, from any thread, and receives tasks from it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._alone = threading.Lock()

    def send(self, message: object) -> None:
        """Send a message to the parent. If it no longer receives, end as if it had ended this process."""
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
