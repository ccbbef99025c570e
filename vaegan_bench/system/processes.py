"""Processes: which one this is, on which machine, and whether another one still runs."""

from __future__ import annotations

import os
import socket
import uuid
from dataclasses import dataclass
from functools import cache
from pathlib import Path

BOOT = Path("/proc/sys/kernel/random/boot_id")
NAMESPACE = Path("/proc/self/ns/pid")
ROUNDING = 2.0
"""Seconds by which two readings of a start may differ: the kernel rounds the time of its boot."""


@dataclass(frozen=True, kw_only=True)
class ProcessIdentity:
    """One process among those of all machines."""

    host: str
    """Where `pid` means this process: the machine, as it was booted, and the container on it."""
    hostname: str
    """The machine's name, for messages."""
    pid: int
    start: float
    """When it began: a later process with the same number began at another time."""

    def __str__(self) -> str:
        return f"process {self.pid} on {self.hostname}"

    @property
    def has_ended(self) -> bool | None:
        """Whether it has ended; None where that cannot be seen from here."""
        if self.host != host_identity():
            return None
        if not is_running(self.pid):
            return True
        start = _start_of(self.pid)
        return None if start is None else abs(start - self.start) > ROUNDING


def this_process() -> ProcessIdentity:
    """The identity of the process that calls this."""
    return _identity(os.getpid())  # the number is another one after a fork


@cache
def host_identity() -> str:
    """This machine, as it was booted, and the container that the process is in.

    Process numbers are comparable only within one host identity. Machines that are copies of each other, and containers
    on one machine, have different identities.
    """
    try:
        machine = f"{BOOT.read_text('ascii').strip()} {NAMESPACE.readlink()}"
    except OSError:  # not Linux
        machine = f"{uuid.getnode():012x}"
    return f"{socket.gethostname()} {machine}"


def is_running(pid: int) -> bool:
    """Whether a process with this number runs here; False for one that ended but was not collected by its parent."""
    import psutil

    try:
        return psutil.pid_exists(pid) and bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:  # it is another user's
        return True


@cache
def _identity(pid: int) -> ProcessIdentity:
    return ProcessIdentity(host=host_identity(), hostname=socket.gethostname(), pid=pid, start=_start_of(pid) or 0.0)


def _start_of(pid: int) -> float | None:
    """When a process began, in seconds; None where it is gone, or may not be seen.

    Except on Windows, seconds count from the boot, because the clock may be set while processes run.
    """
    import psutil

    try:
        start = float(psutil.Process(pid).create_time())
    except psutil.Error:
        return None
    return start if psutil.WINDOWS else start - float(psutil.boot_time())
