"""Runs side by side in processes of this machine."""

from __future__ import annotations

from dataclasses import dataclass

from vaegan_bench.api import Engine, Work
from vaegan_bench.execution.engines.serial import Serial
from vaegan_bench.execution.engines.worker_count import Workers, check_workers, worker_count
from vaegan_bench.execution.engines.workers.worker_pool import WorkerPool


@dataclass(frozen=True, kw_only=True)
class Processes(Engine):
    """Runs side by side in processes of this machine; a process that dies costs its run, which is tried once more."""

    name = "processes"
    workers: Workers = "auto"
    """'auto' is as many as the machine has cores for, or one on a GPU; 1 is the process of the command."""

    def __post_init__(self) -> None:
        check_workers(self.workers)

    def count(self, runs: int, threads: int, device: str) -> int:
        """As `worker_count` says."""
        return worker_count(self.workers, runs, threads, device)

    def run(self, work: Work) -> None:
        """Do the tasks in as many worker processes as `count` says, or in this process if that is one."""
        count = self.count(work.runs, work.threads, work.device)
        if count == 1:
            Serial().run(work)
        else:
            WorkerPool(work, count).run()
