"""Runs on the workers of a Dask cluster."""

from __future__ import annotations

import logging
import math
import queue
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from vaegan_bench.api import Engine, Message, StudyError, Task, Work
from vaegan_bench.execution.engines.agenda import Agenda
from vaegan_bench.execution.engines.worker_count import Workers, check_workers, worker_count
from vaegan_bench.system.errors import one_line

if TYPE_CHECKING:
    from distributed import Client, Future

LOOK = 0.5
"""Seconds between checks of the scheduler, and of runs that other processes were working on."""
RARELY = 0.5
"""Seconds between two messages about the steps of one run: one for every step would overload the scheduler."""
GRACE = 30
"""Seconds that a worker may take to save its work when it must stop, and messages of a finished task to arrive."""
SETTINGS = {
    "distributed.worker.daemon": False,  # the preparation of data starts processes
    "distributed.scheduler.worker-ttl": None,  # a long step is no sign of death
    "distributed.scheduler.allowed-failures": 2,
}
"""Settings of a cluster that is started here; docs/engines.md says which of them other clusters need."""
LOCAL = {"threads_per_worker": 1, "memory_limit": 0, "dashboard_address": None, "silence_logs": logging.CRITICAL}
"""Further arguments of that cluster: as in our own worker processes, only the system limits memory."""
CONNECT = "10s"
"""How long to wait for a scheduler."""
GONE = "The scheduler of the cluster is gone. What is finished is kept; the same command goes on."
REMEDY = "If memory ran out, let each worker have more, or choose a smaller batch."
MISSING = "Engine 'dask' needs the package 'distributed': pip install 'vaegan-bench[dask]'."


@dataclass(frozen=True, kw_only=True)
class Dask(Engine):
    """Runs on the workers of a Dask cluster: of this machine, or of any that has a scheduler."""

    name = "dask"
    scheduler: str = ""
    """The address of a running scheduler, such as tcp://host:8786, or its scheduler file; '' starts a cluster here."""
    workers: Workers = "auto"
    """Workers of the cluster that is started here; 'auto' is as many as there are cores for, or one on a GPU."""
    transfer: bool = False
    """Whether results come back over the network, because the workers do not see the results folder."""

    def __post_init__(self) -> None:
        check_workers(self.workers)
        if self.workers != "auto" and self.scheduler:
            raise ValueError("workers are those of the scheduler: leave one of the two out")

    def count(self, runs: int, threads: int, device: str) -> int:
        """The number of workers of a cluster that is started here; all runs at once if `scheduler` is given."""
        return runs if self.scheduler else worker_count(self.workers, runs, threads, device)

    def run(self, work: Work) -> None:
        """Submit every task that may begin, until all are over."""
        with _client(self, work) as client:
            _wait_for_workers(client, work)
            Submission(client, work, transfer=self.transfer).run()


class Finished(NamedTuple):
    """What a worker returns when a task is over."""

    result: Any
    messages: int
    """How many messages the task sent."""
    was_interrupted: bool = False


class Submission:
    """The tasks of one study on a cluster."""

    def __init__(self, client: Client, work: Work, *, transfer: bool) -> None:
        self.client, self.work, self.transfer = client, work, transfer
        self.agenda = Agenda(work.tasks)
        self.topic = f"vaegan-bench-{uuid.uuid4().hex}"
        self.news = queue.SimpleQueue[Callable[[], None]]()
        """Calls that this thread must make, queued by the client's own thread."""
        self.futures: dict[str, Future[Any]] = {}
        """Name of a task → the future of its result."""
        self.received = Counter[str]()
        """Name of a task → how many of its messages have arrived."""
        self._known, self._looked = 0, -LOOK
        """Threads of the cluster, and when they were counted."""

    def run(self) -> None:
        """Do all tasks. Raises `StudyError` where the scheduler is gone, and whatever `work` raises."""
        self.client.subscribe_topic(self.topic, self._put)
        try:
            while not self.agenda.is_done:
                self._submit()
                with suppress(queue.Empty):
                    self.news.get(timeout=LOOK)()
                self._check_scheduler()
        finally:
            self._stop()

    def _submit(self) -> None:
        """Submit tasks that need not wait, at most one for each thread of the cluster.

        Dask would assign further tasks to workers at once, and count the death of a worker against all its tasks.
        """
        while len(self.futures) < self._threads() and (task := self.agenda.begin()) is not None:
            self.received[task.name] = 0
            sent, key = task.portable() if self.transfer else task, f"{task.name}-{uuid.uuid4().hex}"
            future = self.client.submit(do, sent, self.topic, key=key, pure=False)
            self.futures[task.name] = future
            future.add_done_callback(partial(self._put_finished, task))

    def _threads(self) -> int:
        """The number of threads of the cluster, counted at most `LOOK` seconds ago."""
        if time.monotonic() - self._looked >= LOOK:
            workers = self.client.scheduler_info(n_workers=-1)["workers"].values()
            self._known, self._looked = sum(each["nthreads"] for each in workers), time.monotonic()
        return self._known

    def _put(self, event: tuple[float, Mapping[str, Any]]) -> None:
        self.news.put(partial(self._hear, event[1]["task"], event[1]["message"]))

    def _put_finished(self, task: Task, future: Future[Any]) -> None:
        self.news.put(partial(self._finish, task, future, time.monotonic() + GRACE))

    def _hear(self, name: str, message: Message) -> None:
        if name in self.futures:
            self.received[name] += 1
            self.work.receive(message)

    def _finish(self, task: Task, future: Future[Any], until: float) -> None:
        """End a task, once all of its messages have arrived."""
        self._check_scheduler()
        if future.status != "finished":
            self._give_up(task, future)
            return
        finished: Finished = future.result()
        if self.received[task.name] < finished.messages and time.monotonic() < until:
            time.sleep(0.01)
            self.news.put(partial(self._finish, task, future, until))  # behind what has arrived meanwhile
            return
        del self.futures[task.name]
        if finished.was_interrupted:
            raise KeyboardInterrupt
        self.agenda.end(task, is_over=self.work.end(task, finished.result))

    def _give_up(self, task: Task, future: Future[Any]) -> None:
        """Note that no worker could do a task."""
        del self.futures[task.name]
        self.agenda.finish(task)
        reason = str(future.exception()) if future.status == "error" else f"the cluster says that it is {future.status}"
        self.work.give_up(task, f"no worker of the cluster could do it: {one_line(reason)}. {REMEDY}")

    def _check_scheduler(self) -> None:
        if self.client.status != "running":
            raise StudyError(GONE)

    def _stop(self) -> None:
        """Ask the workers to save their work, wait up to `GRACE` seconds for that, and cancel the tasks."""
        futures = list(self.futures.values())
        if not futures or self.client.status != "running":
            return
        from distributed import wait

        waiting = [future for future in futures if future.status == "pending"]
        self.client.run(stop, self.topic)
        with suppress(TimeoutError):
            wait(waiting, timeout=GRACE)
        self.client.cancel(futures)


_stopped = set[str]()
"""In a worker: topics of studies that are to stop."""


def stop(topic: str) -> None:
    """In a worker: ask the tasks of a study to save their work and end."""
    _stopped.add(topic)


def do(task: Task, topic: str) -> Finished:
    """In a worker: do a task, and pass its messages on to the process that submitted it."""
    from distributed import get_worker

    if topic in _stopped:
        return Finished(None, 0, was_interrupted=True)
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


def _wait_for_workers(client: Client, work: Work) -> None:
    """Wait until there is a worker. Raises `StudyError` where none has the memory for the largest task."""
    waiting = "waiting for workers of the cluster"
    while not (workers := client.scheduler_info(n_workers=-1)["workers"]):
        work.progress(waiting, 0, 1)
        time.sleep(LOOK)
    work.progress(waiting, 1, 1)
    limits = [each["memory_limit"] or math.inf for each in workers.values()]
    if max(limits) < work.memory:
        raise StudyError(
            f"A run needs at least {work.memory / 2**30:.1f} GiB of memory, and no worker of the cluster may use more "
            f"than {max(limits) / 2**30:.1f} GiB: start workers with more."
        )


@contextmanager
def _client(engine: Dask, work: Work) -> Iterator[Client]:
    """A client of the scheduler, or of a cluster that is started here and ends with it. Raises `StudyError`."""
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise StudyError(MISSING) from error
    with ExitStack() as held:
        held.enter_context(_quiet())
        where: dict[str, Any] = {"address": engine.scheduler}
        if Path(engine.scheduler).is_file():
            where = {"scheduler_file": engine.scheduler}
        elif not engine.scheduler:
            held.enter_context(dask.config.set(SETTINGS))
            count = engine.count(work.runs, work.threads, work.device)
            where = {"address": held.enter_context(LocalCluster(n_workers=count, **LOCAL))}
        try:
            client = held.enter_context(Client(**where, timeout=CONNECT))
        except (OSError, TimeoutError, ValueError) as error:
            raise StudyError(f"Cannot reach a Dask scheduler at {engine.scheduler}: {one_line(str(error))}.") from error
        yield client


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the logs of Dask within the context: our own messages say what users must know."""
    loggers = [logging.getLogger(name) for name in logging.root.manager.loggerDict if name.startswith("distributed")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
