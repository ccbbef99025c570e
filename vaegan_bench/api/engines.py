"""How the runs of a study get to the processes that train and measure them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Protocol

from vaegan_bench.api.plugin import Plugin

Message = Mapping[str, Any]
"""What a task sends while it goes on: plain data, which every serialiser can carry."""
Send = Callable[[Message], bool | None]
"""Takes a message; returns True where the task is to keep what it has, and end with a `KeyboardInterrupt`."""


def discard(message: Message) -> None:
    """Send nowhere."""


class Task(Protocol):
    """One piece of a study's work: it can be pickled, and called in any process where this version is installed."""

    @property
    def name(self) -> str:
        """What names it in messages: the id of a run, mostly."""

    @property
    def after(self) -> frozenset[str]:
        """Names of tasks that must be over before it begins."""

    def portable(self) -> Task:
        """The same task for a process that shares no folder with this one: its result brings what it left there.

        It may take along what the tasks in `after` have left, so ask for it when they are over.
        """

    def __call__(self, send: Send = discard) -> Any:
        """Do it, here and now; what is returned can be pickled, and is for `Work.end`.

        Raises `KeyboardInterrupt` alone.
        """


class Work(Protocol):
    """What is left to do of a study, as an engine sees it."""

    @property
    def tasks(self) -> Sequence[Task]:
        """All tasks, in the order in which they should begin."""

    @property
    def runs(self) -> int:
        """How many of the tasks train and measure a run; the others prepare something for all."""

    @property
    def threads(self) -> int:
        """CPU threads of each task."""

    @property
    def device(self) -> str:
        """The kind of device that tasks train on, 'cpu' or 'cuda'."""

    @property
    def memory(self) -> int:
        """Bytes that a process needs at least for the largest task: the program, the data, the networks."""

    def here(self, task: Task) -> Any:
        """Do a task in this process, with what it has loaded already; the result is for `end`."""

    def receive(self, message: Message) -> None:
        """Take a message that a task sent from another process; in the main thread."""

    def progress(self, description: str, done: int, total: int) -> None:
        """Show how far something is that is none of the tasks, such as the start of a cluster."""

    def end(self, task: Task, result: Any) -> bool:
        """Take the result of a task; False where the task must be done later, because others are at its run.

        Raises `BenchError` where the study cannot go on.
        """

    def repeat(self, task: Task, reason: str) -> None:
        """Note that a task is begun once more, because its process died: 'its worker process was killed'."""

    def give_up(self, task: Task, reason: str) -> None:
        """Note that a task failed, because no process survives it; the others go on."""


class Engine(Plugin):
    """Carries the tasks of a study to the processes that do them."""

    kind: ClassVar[str] = "engine"

    @abstractmethod
    def run(self, work: Work) -> None:
        """Have every task done; return when all are over, each of them ended or given up.

        Raises `BenchError` where it cannot begin, and lets pass what `work` raises, with all its processes ended.
        """

    @abstractmethod
    def count(self, runs: int, threads: int, device: str) -> int:
        """How many of so many runs go on side by side."""
