"""How many worker processes an engine starts on this machine."""

from __future__ import annotations

from typing import Literal

from vaegan_bench.system.cores import usable_cores

Workers = int | Literal["auto"]


def check_workers(workers: Workers) -> None:
    """Refuse fewer than one, for `__post_init__`. Raises `ValueError`."""
    if workers != "auto" and workers < 1:
        raise ValueError(f"workers must be at least 1, or auto, not {workers}")


def worker_count(workers: Workers, runs: int, threads: int, device: str) -> int:
    """One per run at most; for 'auto' as many as have cores for the threads of their runs.

    On a GPU that is one, which a single training keeps busy and whose memory it may need.
    """
    automatic = usable_cores() // threads if device == "cpu" else 1
    return max(1, min(automatic if workers == "auto" else workers, runs))
