"""The conformance checks of engines."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from unittest import SkipTest

from vaegan_bench.api import Engine, Message, Send, StudyError, Task
from vaegan_bench.api.engines import discard
from vaegan_bench.testing.verdicts import Checks, demand


@dataclass(frozen=True)
class Errand:
    """A task that sends a message with its name, and returns its name."""

    name: str
    after: frozenset[str] = frozenset()

    def __call__(self, send: Send = discard) -> str:
        """Send the message."""
        send({"word": self.name})
        return self.name


@dataclass
class Errands:
    """Four tasks for an engine: one must wait for another, and one is postponed at first."""

    tasks: tuple[Errand, ...] = (Errand("late", frozenset({"first"})), Errand("first"), Errand("busy"), Errand("other"))
    runs: int = 4
    threads: int = 1
    device: str = "cpu"
    memory: int = 0
    fails: bool = False
    """Whether `end` raises an error for the first result."""
    ended: list[str] = field(default_factory=list)
    """Names of the tasks whose results have come; 'busy' is there each time."""

    def here(self, task: Task) -> object:
        """Do a task in this process."""
        return task(self.receive)

    def portable(self, task: Task) -> Task:
        """The same task, which needs no folder."""
        return task

    def receive(self, message: Message) -> None:
        """Ignore the message."""

    def progress(self, description: str, done: int, total: int) -> None:
        """Ignore the progress."""

    def end(self, task: Task, result: object) -> bool:
        """Take a result; False for the first one of 'busy'."""
        demand(result == task.name, f"brings {result!r} to `end` where the task '{task.name}' returned its name.")
        if self.fails:
            raise StudyError("The study cannot go on.")
        self.ended.append(task.name)
        return task.name != "busy" or self.ended.count("busy") > 1

    def repeat(self, task: Task, reason: str) -> None:
        """Accept a repetition; no process should die here."""

    def give_up(self, task: Task, reason: str) -> None:
        """Refuse: no task fails here."""
        demand(False, f"gives up the task '{task.name}': {reason}")


def does_every_task(engine: Engine) -> None:
    """Every task is done and ended once, those in `after` first, and one that `end` puts off is done again."""
    _skip_without_packages(engine)
    work = Errands()
    engine.run(work)
    expected = ["busy", "busy", "first", "late", "other"]
    demand(sorted(work.ended) == expected, f"ends {sorted(work.ended)} where {expected} is right.")
    demand(
        work.ended.index("first") < work.ended.index("late"), "begins a task before one that it must come `after` ends."
    )


def lets_errors_pass(engine: Engine) -> None:
    """An error that `work.end` raises ends the engine, and passes."""
    _skip_without_packages(engine)
    try:
        engine.run(Errands(fails=True))
    except StudyError as error:
        if str(error) == "The study cannot go on.":
            return
        raise
    demand(False, "goes on where `work.end` has raised an error: let it pass.")


def counts_what_goes_on_at_a_time(engine: Engine) -> None:
    """`count` is at least 1, and at most the number of runs."""
    for runs in (1, 2, 100):
        for device in ("cpu", "cuda"):
            count = engine.count(runs, 1, device)
            demand(1 <= count <= runs, f"counts {count} of {runs} runs at a time.")


def _skip_without_packages(engine: Engine) -> None:
    if engine.name == "dask" and importlib.util.find_spec("distributed") is None:
        raise SkipTest("the package 'distributed' is not installed")


CHECKS: Checks = {Engine: (does_every_task, lets_errors_pass, counts_what_goes_on_at_a_time)}
