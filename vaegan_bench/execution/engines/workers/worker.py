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
from vaegan_bench.execution.engines.workers.messages import Done, Interrupted, Lost, Ready, Refused, Sent
from vaegan_bench.execution.engines.workers.parent_connection import Ended, ParentConnection
from vaegan_bench.system.errors import DeviceLostError, RefusedError

GRACE = 30
"""Seconds that a process may take to save its training and clean up when it must end."""


def work(connection: Connection) -> None:
    """Do each task that arrives, until the parent closes the connection or ends."""
    parent = ParentConnection(connection)
    try:
        _leave_signals_to_parent()
        _do_all(parent)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # from here on, nobody would handle an `Ended`
    except Ended:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTERM)  # so that the exit code names the signal
    except KeyboardInterrupt:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        parent.send(Interrupted())


def _do_all(parent: ParentConnection) -> None:
    def send(message: Message) -> None:
        parent.send(Sent(message))

    parent.send(Ready())
    while (task := parent.receive()) is not None:
        try:
            parent.send(Done(task(send)))
        except RefusedError as error:
            parent.send(Refused(str(error)))
            return
        except DeviceLostError as error:
            parent.send(Lost(str(error)))
            return


def _leave_signals_to_parent() -> None:
    """Ignore Ctrl-C and hang-ups, which reach all processes of a terminal: the parent handles them. End with it."""
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # once is enough, and nothing must disturb the cleaning up
    raise Ended


def _end_with_parent() -> None:
    """End this process if the parent was killed and so could not end it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        signal.raise_signal(signal.SIGTERM)
        time.sleep(GRACE)
        os._exit(1)
