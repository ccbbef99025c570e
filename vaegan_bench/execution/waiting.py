"""Waiting for the runs that other processes work on."""

from __future__ import annotations

import time

from vaegan_bench.execution.agenda import LOOK, Agenda
from vaegan_bench.execution.runner import Call


class Waiting:
    """Looks again now and then, and says once for whom this process waits."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self._told: set[tuple[str, str]] = set()

    def wait(self, agenda: Agenda) -> None:
        """Wait a little, and let the runs that were passed over be begun."""
        self.tell(agenda)
        time.sleep(LOOK)
        agenda.look_again()

    def tell(self, agenda: Agenda) -> None:
        """Say who works on the runs that are left; once for each."""
        for task, holder in agenda.passed.items():
            if (task.run, holder.token) not in self._told:
                self._told.add((task.run, holder.token))
                self.call("run_awaited", run=task.run, holder=str(holder))
