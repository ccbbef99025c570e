"""Which tasks are still to do, and which of them may begin."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from vaegan_bench.api import Task

TRIES = 2
"""How often a task may begin if its process dies: a second death is hardly by chance."""
PATIENCE = 2.0
"""Seconds before a task is begun again whose run another process was working on."""


class Agenda:
    """The tasks of a study in order; a task may begin once all tasks in its `after` are over."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.waiting, self.begun = list(tasks), list[Task]()
        self._tries = Counter[str]()
        self._not_before = dict[str, float]()

    @property
    def is_done(self) -> bool:
        """Whether every task has ended."""
        return not self.waiting and not self.begun

    def begin(self) -> Task | None:
        """The next task; None where none is left, or all must wait."""
        open_names = {task.name for task in (*self.waiting, *self.begun)}
        now = time.monotonic()
        for task in self.waiting:
            if open_names.isdisjoint(task.after) and now >= self._not_before.get(task.name, 0):
                self.waiting.remove(task)
                self.begun.append(task)
                self._tries[task.name] += 1
                return task
        return None

    def end(self, task: Task, *, is_over: bool) -> None:
        """Note that a task has ended: it is over, or must be begun again later."""
        if is_over:
            self.finish(task)
        else:
            self.postpone(task)

    def finish(self, task: Task) -> None:
        """Note that a task is over, with or without success."""
        self.begun.remove(task)

    def postpone(self, task: Task) -> None:
        """Put a task back at the end, to be begun again after `PATIENCE` seconds; this try does not count."""
        self.finish(task)
        self._tries[task.name] -= 1
        self._not_before[task.name] = time.monotonic() + PATIENCE
        self.waiting.append(task)

    def repeat(self, task: Task) -> bool:
        """Put a task whose process died back as the next one; return False, and give it up, after `TRIES` tries."""
        self.finish(task)
        if self._tries[task.name] >= TRIES:
            return False
        self.waiting.insert(0, task)
        return True
