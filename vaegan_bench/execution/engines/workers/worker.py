"""The code of a worker process, which does the tasks that it receives, one after the other."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from multiprocessing.connection import Connection
from types import FrameType

from vaegan_bench.api import Message
from vaegan_bench.execution.engines.workers.line import Ended, Line
from vaegan_bench.execution.engines.workers.messages import Done, Interrupted, Ready, Sent

GRACE = 30
"""Seconds that a process may take to save its training and clean up when it must end."""


def work(connection: Connection) -> None:
    """Do each task that arrives, until the parent closes the connection or ends."""
    line = Line(connection)
    try:
        _obey_parent()
        _do_all(line)
    except Ended:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTERM)  # so that the exit code names the signal
    except KeyboardInterrupt:
        line.send(Interrupted())


def _do_all(line: Line) -> None:
    def send(message: Message) -> None:
        line.send(Sent(message))

    line.send(Ready())
    while (task := line.receive()) is not None:
        line.send(Done(task(send)))


def _obey_parent() -> None:
    """Ignore Ctrl-C and hang-ups, which reach all processes of a terminal: the parent handles them. End with it."""
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    threading.Thread(target=_follow_parent, daemon=True).start()


def _end(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # once is enough, and nothing must disturb the cleaning up
    raise Ended


def _follow_parent() -> None:
    """End this process if the parent was killed and so could not end it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        signal.raise_signal(signal.SIGTERM)
        time.sleep(GRACE)
        os._exit(1)
