"""Signals that end a command: Ctrl-C, SIGTERM and SIGHUP, each with the exit code that shells expect."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from vaegan_bench.execution.postponed_signals import REPEATED

SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""Sent by batch systems and `kill`, and when a terminal is closed; Windows lacks the second."""

INTERRUPTED = 130
"""The exit code of Typer after a KeyboardInterrupt, and of shells after Ctrl-C."""


class EndedBySignal(KeyboardInterrupt):
    """The command was asked to end by another signal than Ctrl-C."""


class Interruption:
    """The signal that ended the command; Ctrl-C's if no other did."""

    def __init__(self) -> None:
        self.signal = signal.SIGINT
        self._time = -REPEATED

    @property
    def exit_code(self) -> int:
        """128 and the signal's number: 130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP."""
        return 128 + self.signal

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Raise `EndedBySignal`; ignore a signal that is repeated at once."""
        is_repetition = number == self.signal and time.monotonic() - self._time < REPEATED
        self.signal, self._time = signal.Signals(number), time.monotonic()
        if is_repetition:
            return
        raise EndedBySignal


@contextmanager
def interruption() -> Iterator[Interruption]:
    """Within the context, SIGTERM and SIGHUP interrupt as Ctrl-C does, unless they are ignored, as with nohup."""
    interruption = Interruption()
    before = {}
    if threading.current_thread() is threading.main_thread():  # no other thread may handle signals
        before = {each: signal.getsignal(each) for each in SIGNALS if signal.getsignal(each) is signal.SIG_DFL}
    for each in before:
        signal.signal(each, interruption)
    try:
        yield interruption
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
