"""Signals of a terminal, which reach all of its processes, are kept away from worker processes."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker

SIGNALS = {getattr(signal, name) for name in ("SIGINT", "SIGHUP") if hasattr(signal, name)}
"""Ctrl-C, and the end of the terminal: the process of the command answers them, and ends its workers."""


@contextmanager
def blocked_signals() -> Iterator[None]:
    """Block these signals within the context; a process that is started there inherits this, and never gets them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        resource_tracker.ensure_running()  # here, or a hang-up would end it, and at its start it unblocks Ctrl-C
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
