"""How many runs of a study go on side by side."""

from __future__ import annotations

from vaegan_bench.system.cores import usable_cores
from vaegan_bench.system.errors import StudyError

AUTO = "auto"


def read_workers(written: str | int) -> int | None:
    """The number of workers that a user asks for; None for 'auto'. Raises `StudyError` for anything else."""
    if written == AUTO:
        return None
    number = int(written) if str(written).isdecimal() and str(written).isascii() else 0
    if number < 1:
        raise StudyError(f"The number of workers must be at least 1, or auto, not '{written}'.")
    return number


def worker_count(asked: int | None, runs: int, threads: int, device: str) -> int:
    """How many processes work on so many runs: one per run at most.

    None, for 'auto', takes as many as have cores for the threads of their runs, and one on a GPU, which a single
    training keeps busy and whose memory it may need.
    """
    if asked is None:
        asked = usable_cores() // threads if device == "cpu" else 1
    return max(1, min(asked, runs))
