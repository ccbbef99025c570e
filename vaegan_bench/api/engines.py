"""How the runs of a study get to the processes that train and measure them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Protocol

from vaegan_bench.api.plugin import Plugin

Message = Mapping[str, Any]
"""A report that a task sends while it runs: plain data, which every serialiser can encode."""
Send = Callable[[Message], bool | None]
"""Takes a message; returns True where the task must save its state and end with a `KeyboardInterrupt`."""


def discard(message: Message) -> None:
    """A `Send` that drops the message."""


class Task(Protocol):
    """One piece of a study's work: it can be pickled, and called in any process where this version is installed."""

    @property
    def name(self) -> str:
        """The task's name in messages: mostly the id of a run."""

    @property
    def after(self) -> frozenset[str]:
        """Names of tasks that must be over before it begins."""

    def __call__(self, send: Send = discard) -> Any:
        """Run the task in this process; the result can be pickled, and is for `Work.end`.

        Raises no other exceptions than `KeyboardInterrupt`; `RefusedError` where this process cannot do the tasks of
        the study, so that it must not be given more of them; and `DeviceLostError` where it can do nothing more, as its
        GPU has stopped working.
        """


class Work(Protocol):
    """The unfinished work of a study, as an engine sees it."""

    @property
    def tasks(self) -> Sequence[Task]:
        """All tasks, in the order in which they should begin."""

    @property
    def runs(self) -> int:
        """The number of tasks that train and measure a run; the others prepare something for all runs."""

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
        """Run a task in this process, with what is already loaded here; the result is for `end`."""

    def portable(self, task: Task) -> Task:
        """The same task for a process that shares no folder with this one: its result contains what it wrote there.

        It may contain files that the tasks in `after` wrote, so call this when they are over. Until `end` or `give_up`,
        the command holds the run of the task, so that no other one works on it.
        """

    def receive(self, message: Message) -> None:
        """Take a message that a task sent from another process; called in the main thread."""

    def progress(self, description: str, done: int, total: int) -> None:
        """Show the progress of something that is not a task, such as the start of a cluster."""

    def end(self, task: Task, result: Any) -> bool:
        """Take the result of a task; False where the task must run again later: another process works on its run.

        Raises `BenchError` where the study cannot go on.
        """

    def repeat(self, task: Task, reason: str) -> None:
        """Note that a task starts again because its process died; `reason`: 'its worker process was killed'."""

    def give_up(self, task: Task, reason: str) -> None:
        """Note that a task failed because the processes that ran it died; the other tasks go on."""


class Engine(Plugin):
    """Carries the tasks of a study to the processes that do them."""

    kind: ClassVar[str] = "engine"

    @abstractmethod
    def run(self, work: Work) -> None:
        """Run every task; return when each of them has ended or was given up.

        Raises `BenchError` where it cannot begin. What `work` raises passes through, after all processes of the engine
        have ended.
        """

    @abstractmethod
    def count(self, runs: int, threads: int, device: str) -> int:
        """How many of `runs` runs it trains at the same time, with `threads` CPU threads each."""
