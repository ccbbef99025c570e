"""One run after the other, in this process."""

from __future__ import annotations

import time
from dataclasses import dataclass

from vaegan_bench.api import Engine, Work
from vaegan_bench.execution.engines.agenda import Agenda

LOOK = 0.2
"""Seconds between two attempts at runs that other processes are working on."""


@dataclass(frozen=True, kw_only=True)
class Serial(Engine):
    """One run after the other, in the process of the command."""

    name = "serial"

    def count(self, runs: int, threads: int, device: str) -> int:
        """Always one."""
        return 1

    def run(self, work: Work) -> None:
        """Do one task after the other; a task whose run another process is working on is tried again at the end."""
        agenda = Agenda(work.tasks)
        while not agenda.is_done:
            task = agenda.begin()
            if task is None:  # other processes are working on the runs that are left
                time.sleep(LOOK)
            else:
                agenda.end(task, is_over=work.end(task, work.here(task)))
