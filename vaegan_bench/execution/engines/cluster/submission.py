"""The tasks of one study on the workers of a Dask cluster."""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from vaegan_bench.api import Message, StudyError, Task, Work
from vaegan_bench.execution.engines.agenda import Agenda
from vaegan_bench.execution.engines.refusals import followed_by, refusal_of, warn_of
from vaegan_bench.system.errors import DeviceLostError, IncompleteError, RefusedError, one_line

if TYPE_CHECKING:
    from distributed import Client, Future

LOOK = 0.5
"""Seconds between checks of the scheduler, and of runs that other processes were working on."""
RARELY = 0.5
"""Seconds between two messages about the steps of one run: one for every step would overload the scheduler."""
GRACE = 30
"""Seconds that a worker may take to save its work when it must stop, and messages of a finished task to arrive."""
GONE = "The scheduler of the cluster is gone. What is finished is kept; the same command goes on."
NONE_LEFT = "No other worker is left. What is finished is kept; the same command goes on."
AGAIN = ("pending", "lost")
"""States of a future whose result is computed again."""
REMEDY = "If memory ran out, let each worker have more, or choose a smaller batch."


class Finished(NamedTuple):
    """What a worker returns when a task is over."""

    result: Any
    messages: int
    """How many messages the task sent."""
    was_interrupted: bool = False
    refusal: str = ""
    """Why the worker cannot do tasks of the study; '' where it can."""
    worker: str = ""
    """The address of a worker that cannot."""


class Submission:
    """The tasks of one study on a cluster."""

    def __init__(self, client: Client, work: Work, *, transfer: bool) -> None:
        self.client, self.work, self.transfer = client, work, transfer
        self.agenda = Agenda(work.tasks)
        self.topic = f"vaegan-bench-{uuid.uuid4().hex}"
        self.calls = queue.SimpleQueue[Callable[[], None]]()
        """Calls that this thread must make, queued by the client's own thread."""
        self.futures: dict[str, Future[Any]] = {}
        """Name of a task → the future of its result."""
        self.received = Counter[str]()
        """Name of a task → how many of its messages have arrived."""
        self.refusals: dict[str, str] = {}
        """Address of a worker that cannot do tasks of this study → the reason."""
        self._has_begun = False
        self._workers, self._listed_at = list[str](), -LOOK
        """The addresses of the workers that may be given tasks, and when they were listed."""

    def run(self) -> None:
        """Do all tasks.

        Raises `StudyError` where no worker of the cluster can begin, `IncompleteError` where none can go on or the
        scheduler is gone, and whatever `work` raises.
        """
        self.client.subscribe_topic(self.topic, self._put)
        try:
            while not self.agenda.is_done:
                self._submit()
                with suppress(queue.Empty):
                    self.calls.get(timeout=LOOK)()
                check_scheduler(self.client)
        finally:
            self._stop()
        for reason in self.refusals.values():
            warn_of(refusal_of(reason))

    def _submit(self) -> None:
        """Submit tasks that need not wait, at most one for each worker of the cluster.

        Dask would assign further tasks to workers at once, and count the death of a worker against all its tasks.
        """
        while len(self.futures) < len(workers := self._willing()) and (task := self.agenda.begin()) is not None:
            self.received[task.name] = 0
            sent, key = self.work.portable(task) if self.transfer else task, f"{task.name}-{uuid.uuid4().hex}"
            among = {"workers": workers, "allow_other_workers": True} if self.refusals else {}  # others may join later
            future = self.client.submit(do, sent, self.topic, key=key, pure=False, **among)
            self.futures[task.name] = future
            future.add_done_callback(partial(self._put_finished, task))

    def _willing(self) -> list[str]:
        """The workers of the cluster that have not refused, listed at most `LOOK` seconds ago."""
        if time.monotonic() - self._listed_at >= LOOK:
            there = workers_of(self.client)
            self._workers = [address for address in there if address not in self.refusals]
            self._listed_at = time.monotonic()
            if there and not self._workers:
                raise self._no_worker_left()
        return self._workers

    def _no_worker_left(self) -> StudyError | IncompleteError:
        """The error where all workers of the cluster have refused."""
        refusal = refusal_of(next(iter(self.refusals.values())))
        return IncompleteError([followed_by(refusal, NONE_LEFT)]) if self._has_begun else StudyError(refusal)

    def _put(self, event: tuple[float, Mapping[str, Any]]) -> None:
        self.calls.put(partial(self._receive, event[1]["task"], event[1]["message"]))

    def _put_finished(self, task: Task, future: Future[Any]) -> None:
        self.calls.put(partial(self._finish, task, future, time.monotonic() + GRACE))

    def _receive(self, name: str, message: Message) -> None:
        if name in self.futures:
            self._has_begun = True
            self.received[name] += 1
            self.work.receive(message)

    def _finish(self, task: Task, future: Future[Any], until: float) -> None:
        """End a task, once all of its messages have arrived."""
        check_scheduler(self.client)
        if future.status in AGAIN:  # its worker died with the result, and another one does the task again
            time.sleep(0.05)
            self._put_finished(task, future)
            return
        if future.status != "finished":
            self._give_up(task, future)
            return
        finished: Finished = future.result()
        if self.received[task.name] < finished.messages and time.monotonic() < until:
            time.sleep(0.01)
            self.calls.put(partial(self._finish, task, future, until))  # behind what has arrived meanwhile
            return
        del self.futures[task.name]
        if finished.was_interrupted:
            raise KeyboardInterrupt
        if finished.refusal:
            self.refusals[finished.worker], self._listed_at = finished.refusal, -LOOK
            self.agenda.postpone(task)
            return
        self._has_begun = True
        self.agenda.end(task, is_over=self.work.end(task, finished.result))

    def _give_up(self, task: Task, future: Future[Any]) -> None:
        """Note that no worker could do a task."""
        del self.futures[task.name]
        self.agenda.finish(task)
        reason = str(future.exception()) if future.status == "error" else f"the cluster says that it is {future.status}"
        self.work.give_up(task, f"no worker of the cluster could do it: {one_line(reason)}. {REMEDY}")

    def _stop(self) -> None:
        """Ask the workers to save their work, wait up to `GRACE` seconds for that, and cancel the tasks."""
        if not self.futures or self.client.status != "running":
            return
        until = time.monotonic() + GRACE
        with suppress(OSError):  # the scheduler may end, too
            while self._are_saving() and time.monotonic() < until:
                time.sleep(LOOK)
            self.client.cancel(list(self.futures.values()))

    def _are_saving(self) -> bool:
        """Ask the workers to save their work; return whether one still does. A worker that has died does not."""
        return any(self.client.run(stop, self.topic, on_error="ignore").values())


def workers_of(client: Client) -> Mapping[str, Any]:
    """What the scheduler tells of its workers, by their addresses. Raises `IncompleteError` where it is gone."""
    check_scheduler(client)
    told = client.scheduler_info(n_workers=-1)
    workers: Mapping[str, Any] = told.get("workers", {})  # a scheduler that has just gone tells nothing
    return workers


def check_scheduler(client: Client) -> None:
    """Raise `IncompleteError` where the scheduler is gone."""
    if client.status != "running":
        raise IncompleteError([GONE])


_stopped = set[str]()
"""In a worker: topics of studies that are to stop."""
_current = set[str]()
"""In a worker: the topic of the study whose task it does."""
_turn = threading.Lock()
"""In a worker: only one of its threads does a task, as random state, thread count and output are the process's."""


def stop(topic: str) -> bool:
    """In a worker: ask the tasks of a study to save their work and end; return whether one still goes on."""
    _stopped.add(topic)
    return topic in _current


def do(task: Task, topic: str) -> Finished:
    """In a worker: do a task when no other thread does one, unless its study is to stop."""
    with _turn:
        _current.add(topic)
        try:
            return Finished(None, 0, was_interrupted=True) if topic in _stopped else _do(task, topic)
        finally:
            _current.remove(topic)


def _do(task: Task, topic: str) -> Finished:
    """In a worker: do a task, and pass its messages on to the process that submitted it."""
    from distributed import get_worker

    worker, sent, latest = get_worker(), 0, 0.0

    def send(message: Message) -> bool:
        nonlocal sent, latest
        is_step, now = message.get("hook") == "step_ended", time.monotonic()
        if not is_step or now - latest >= RARELY:
            worker.log_event(topic, {"task": task.name, "message": dict(message)})
            sent, latest = sent + 1, now
        return topic in _stopped

    try:
        return Finished(task(send), sent)
    except KeyboardInterrupt:
        return Finished(None, sent, was_interrupted=True)
    except RefusedError as error:
        return Finished(None, sent, refusal=str(error), worker=worker.address)
    except DeviceLostError as error:
        sys.stderr.write(f"{error}\n")
        os._exit(1)  # this process would fail all further tasks; its nanny starts another one
