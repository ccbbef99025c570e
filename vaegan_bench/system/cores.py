"""How many CPU cores this process may use."""

from __future__ import annotations

import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
"""Where Linux says how much of the machine a container may use."""


def usable_cores() -> int:
    """The cores that the system lets this process run on, at most as many as its container may use; at least 1."""
    return max(1, min(_allowed_cores(), _quota(CGROUP / "cpu.max")))


def _allowed_cores() -> int:
    if hasattr(os, "process_cpu_count"):  # Python 3.13, which also heeds PYTHON_CPU_COUNT
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quota(file: Path) -> int:
    """The whole cores that a cgroup's cpu.max grants, such as 2 for '250000 100000'; all where there is no limit."""
    try:
        quota, period = file.read_text().split()
        return int(quota) // int(period)
    except (OSError, ValueError):  # no such file, or 'max'
        return os.cpu_count() or 1
