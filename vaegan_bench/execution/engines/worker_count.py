"""How many worker processes an engine starts on this machine."""

from __future__ import annotations

from typing import Literal

from vaegan_bench.system.cores import usable_cores

Workers = int | Literal["auto"]


def check_workers(workers: Workers) -> None:
    """Raise `ValueError` for fewer than one worker; to be called in `__post_init__`."""
    if workers != "auto" and workers < 1:
        raise ValueError(f"workers must be at least 1, or auto, not {workers}")


def worker_count(workers: Workers, runs: int, threads: int, device: str) -> int:
    """The number of workers, at most one per run; 'auto' is as many as there are cores for, at `threads` a run.

    On a GPU, 'auto' is one, as it is not known beforehand how many trainings fit into its memory; with small networks,
    several at a time are faster.
    """
    automatic = usable_cores() // threads if device == "cpu" else 1
    return max(1, min(automatic if workers == "auto" else workers, runs))
