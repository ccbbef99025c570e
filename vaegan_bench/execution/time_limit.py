"""How long a command may take, for batch systems."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from vaegan_bench.system.errors import IncompleteError, StudyError

DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?", re.ASCII)
SECONDS = (3600, 60, 1)
MOST_HOURS = 10**5
"""More than eleven years; an alarm cannot be set for a time without limit."""


class TimeIsUp(KeyboardInterrupt):
    """The time limit of a command is over: its work is interrupted, as by Ctrl-C."""

    missing: Sequence[str] = ()
    """The runs that have failed until then, each with its reason."""


def read_duration(text: str) -> float:
    """Seconds of a time such as '3h', '90m', '45s' or '2h30m'. Raises `StudyError` for anything else."""
    match = DURATION.fullmatch(text.strip())
    parts = [float(part or 0) for part in match.groups()] if match else []
    seconds = sum(part * scale for part, scale in zip(parts, SECONDS, strict=False))
    if seconds <= 0:
        unit = f": give it a unit, such as {text.strip()}s or {text.strip()}m" if text.strip().isdecimal() else ""
        raise StudyError(f"A time is written as 3h, 90m, 45s or 2h30m, not '{text}'{unit}.")
    if seconds > MOST_HOURS * 3600:
        raise StudyError(f"A time limit is at most {MOST_HOURS:,} hours, not '{text[:40]}'.")
    return seconds


@contextmanager
def time_limit(text: str | None) -> Iterator[None]:
    """Interrupt the body of the context after this time, and raise `IncompleteError`; None is no limit.

    Raises `StudyError` for a text that is not a time, and where there are no alarms: on Windows, and outside of the
    main thread.
    """
    if text is None:
        yield
        return
    seconds = read_duration(text)
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        raise StudyError("A time limit needs a system with alarms (not Windows), and the main thread of a program.")
    try:
        with _alarm(seconds):
            yield
    except TimeIsUp as error:
        over = f"The time limit of {text} is over. The same command goes on from here."
        raise IncompleteError([*error.missing, over]) from error


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Raise `TimeIsUp` within the context after this number of seconds."""
    before = signal.signal(signal.SIGALRM, _interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise TimeIsUp
