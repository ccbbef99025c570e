"""What several workers have still to do, in which order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from vaegan_bench.study.plan import Lenders
from vaegan_bench.study.run import Run
from vaegan_bench.system.claim_folder import Holder

TRIES = 2
"""How often a run is begun whose worker died: a second time it will hardly be by chance."""
LOOK = 1.0
"""Seconds between two looks at runs that other processes work on."""


@dataclass(frozen=True)
class Task:
    """What one worker does at a time."""

    kind: Literal["prepare", "run"]
    """To 'prepare' is to train the extractors that learn from the data of a run."""
    run: str
    """The run's id."""


class Agenda:
    """The tasks of a study: extractors first, and each run once those are over whose networks it borrows."""

    def __init__(self, runs: Sequence[Run], lenders: Lenders, prepared: Iterable[Run] = ()) -> None:
        """`prepared` are runs, one for each data set that extractors learn from."""
        self.waiting = [*(Task("prepare", run.id) for run in prepared), *(Task("run", run.id) for run in runs)]
        self.begun: list[Task] = []
        self.passed: dict[Task, Holder] = {}
        """Runs that other processes work on, and who; they are looked at again later."""
        self._lenders = {run.id: {lender.id for lender in lenders[run.id].values()} for run in runs}
        self._tries = Counter[str]()

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to be begun or finished."""
        return not self.waiting and not self.begun and not self.passed

    @property
    def is_held_up(self) -> bool:
        """Whether all that is left is done by others, or waits for it."""
        return bool(self.passed) and not self.begun

    def begin(self) -> Task | None:
        """The next task; None where none is left, or all must wait for runs that have begun."""
        open_runs = {task.run for task in (*self.waiting, *self.begun, *self.passed) if task.kind == "run"}
        for task in self.waiting:
            if task.kind == "prepare" or open_runs.isdisjoint(self._lenders[task.run]):
                self.waiting.remove(task)
                self.begun.append(task)
                self._tries[task.run] += task.kind == "run"
                return task
        return None

    def finish(self, task: Task) -> None:
        """Note that a task is over, whatever came of it."""
        self.begun.remove(task)

    def pass_over(self, task: Task, holder: Holder) -> None:
        """Put a task aside that another process works on."""
        self.finish(task)
        self._tries[task.run] -= 1
        self.passed[task] = holder

    def look_again(self) -> None:
        """Let the tasks be begun that were passed over, after the others."""
        self.waiting += self.passed
        self.passed = {}

    def repeat(self, task: Task) -> bool:
        """Put a task whose worker died back as the next one; False where it is given up.

        What was prepared for a run is not repeated: the run does without.
        """
        self.finish(task)
        is_repeated = task.kind == "run" and self._tries[task.run] < TRIES
        if is_repeated:
            self.waiting.insert(0, task)
        return is_repeated
