"""Runs side by side in processes of this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vaegan_bench.api import Engine, Work
from vaegan_bench.execution.engines.serial import Serial
from vaegan_bench.execution.engines.workers.crew import Crew
from vaegan_bench.system.cores import usable_cores


@dataclass(frozen=True, kw_only=True)
class Processes(Engine):
    """Runs side by side in processes of this machine; a process that dies costs its run, which is tried once more."""

    name = "processes"
    workers: int | Literal["auto"] = "auto"
    """As many as the machine has cores for, or one on a GPU, where it is 'auto'; 1 is the process of the command."""

    def __post_init__(self) -> None:
        if self.workers != "auto" and self.workers < 1:
            raise ValueError(f"workers must be at least 1, or auto, not {self.workers}")

    def count(self, runs: int, threads: int, device: str) -> int:
        """One per run at most; on a GPU one, which a single training keeps busy and whose memory it may need."""
        automatic = usable_cores() // threads if device == "cpu" else 1
        return max(1, min(automatic if self.workers == "auto" else self.workers, runs))

    def run(self, work: Work) -> None:
        """Do the tasks in as many processes as `count` says; one is this process."""
        count = self.count(work.runs, work.threads, work.device)
        if count == 1:
            Serial().run(work)
        else:
            Crew(work, count).run()
