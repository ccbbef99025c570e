"""Signals that are postponed until training can stop without losing steps."""

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
    """Postpones the first signal that arrives, until it is delivered; a second one delivers it at once."""

    def __init__(self, *, is_patient: bool) -> None:
        """If `is_patient`, a second signal is ignored."""
        self.is_patient = is_patient
        self.handlers = {each: signal.getsignal(each) for each in SIGNALS}
        self.arrived: signal.Signals | None = None
        self._time = 0.0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Note the first signal; at a second one, deliver the first."""
        arrived = signal.Signals(number)
        if self.arrived is None:
            self.arrived, self._time = arrived, time.monotonic()
        elif not self.is_patient and not self._is_repetition(arrived):
            self.deliver()

    def hold(self) -> None:
        """Begin to postpone signals, except those that are ignored (as with nohup) or handled outside of Python."""
        for each, handler in self.handlers.items():
            if handler not in (signal.SIG_IGN, None):
                signal.signal(each, self)

    def release(self) -> None:
        """Handle signals as before, except those that a handler has changed meanwhile, as the end of a worker does."""
        for each, handler in self.handlers.items():
            if signal.getsignal(each) is self:
                signal.signal(each, handler)

    def deliver(self) -> None:
        """Pass the signal that arrived, if there is one, to its usual handler. Raises whatever the handler raises."""
        if self.arrived is not None:
            arrived, self.arrived = self.arrived, None
            self.release()
            signal.raise_signal(arrived)
            self.hold()  # reached if its handler returns

    def _is_repetition(self, arrived: signal.Signals) -> bool:
        """Whether a signal only repeats the first one, and is no second request of the user."""
        is_soon = time.monotonic() - self._time < REPEATED
        return arrived.name == "SIGALRM" or (is_soon and arrived == self.arrived != signal.SIGINT)


@contextmanager
def postponed_signals(*, is_patient: bool) -> Iterator[PostponedSignals]:
    """Postpone signals within the context, until `deliver` or its end. Outside of the main thread, change nothing."""
    postponed = PostponedSignals(is_patient=is_patient)
    if threading.current_thread() is not threading.main_thread():  # no other thread may handle signals
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
