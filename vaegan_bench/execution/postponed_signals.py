"""Signals that wait until a training can be stopped without a loss."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM") if hasattr(signal, name)]
"""Ctrl-C, batch systems and `kill`, the end of a terminal, the end of a time limit; Windows lacks the last two."""
REPEATED = 1.0
"""Seconds in which the same signal is the same request: a terminal that is closed sends SIGHUP twice."""


class PostponedSignals:
    """Signals that arrive while they have to wait; at a second one, nothing waits any longer."""

    def __init__(self, *, is_patient: bool) -> None:
        """One who `is_patient` ignores the second one, too."""
        self.is_patient = is_patient
        self.handlers = {each: signal.getsignal(each) for each in SIGNALS}
        self.arrived: signal.Signals | None = None
        self._time = 0.0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Note a signal, or let the second one end the waiting."""
        arrived = signal.Signals(number)
        if self.arrived is None:
            self.arrived, self._time = arrived, time.monotonic()
        elif not self.is_patient and not self._is_repetition(arrived):
            self.deliver()

    def hold(self) -> None:
        """Begin to postpone signals, but for those that are ignored, as nohup does, or handled outside of Python."""
        for each, handler in self.handlers.items():
            if handler not in (signal.SIG_IGN, None):
                signal.signal(each, self)

    def release(self) -> None:
        """Handle signals as before."""
        for each, handler in self.handlers.items():
            if handler not in (signal.SIG_IGN, None):
                signal.signal(each, handler)

    def deliver(self) -> None:
        """Let the signal that arrived do now what it would have done, if there is one. Raises what its handler does."""
        if self.arrived is not None:
            arrived, self.arrived = self.arrived, None
            self.release()
            signal.raise_signal(arrived)
            self.hold()  # its handler went on

    def _is_repetition(self, arrived: signal.Signals) -> bool:
        """Whether a signal is no second request of the user's."""
        is_soon = time.monotonic() - self._time < REPEATED
        return arrived.name == "SIGALRM" or (is_soon and arrived == self.arrived != signal.SIGINT)


@contextmanager
def postponed_signals(*, is_patient: bool = False) -> Iterator[PostponedSignals]:
    """Meanwhile signals wait for `deliver`, or for the end. Outside of the main thread nothing is changed."""
    postponed = PostponedSignals(is_patient=is_patient)
    if threading.current_thread() is not threading.main_thread():  # no other may handle signals
        yield postponed
        return
    postponed.hold()
    try:
        yield postponed
    finally:
        try:
            postponed.deliver()
        finally:
            postponed.release()
