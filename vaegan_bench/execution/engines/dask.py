"""Runs on the workers of a Dask cluster."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaegan_bench.api import Engine, StudyError, Work
from vaegan_bench.execution.engines.blocked_signals import blocked_signals
from vaegan_bench.execution.engines.cluster.submission import LOOK, Submission, workers_of
from vaegan_bench.execution.engines.worker_count import Workers, check_workers, worker_count
from vaegan_bench.system.errors import one_line

if TYPE_CHECKING:
    from distributed import Client, LocalCluster

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
SCRIPTS = "Scripts must start work inside of `if __name__ == '__main__':`."
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
        return max(1, runs) if self.scheduler else worker_count(self.workers, runs, threads, device)

    def run(self, work: Work) -> None:
        """Submit every task that may begin, until all are over."""
        with _client(self, work) as client:
            _wait_for_workers(client, work)
            Submission(client, work, transfer=self.transfer).run()


def _wait_for_workers(client: Client, work: Work) -> None:
    """Wait until there is a worker.

    Raises `IncompleteError` where the scheduler is gone, and `StudyError` where no worker has the memory for the
    largest task.
    """
    waiting = "waiting for workers of the cluster"
    while not (workers := workers_of(client)):
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
        from distributed import Client
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
            where = {"address": held.enter_context(_cluster_here(count))}
        try:
            client = held.enter_context(Client(**where, timeout=CONNECT))
        except (OSError, TimeoutError, ValueError) as error:
            raise StudyError(f"Cannot reach a Dask scheduler at {engine.scheduler}: {one_line(str(error))}.") from error
        yield client


def _cluster_here(count: int) -> LocalCluster:
    """Start a cluster on this machine, which ends as a context. Raises `StudyError` where it cannot start."""
    from distributed import LocalCluster

    try:
        with blocked_signals():  # workers inherit it, also those that replace others
            return LocalCluster(n_workers=count, **LOCAL)
    except (OSError, RuntimeError) as error:
        reason = one_line(str(error)).removesuffix(".")
        raise StudyError(f"A Dask cluster cannot start on this machine: {reason}. {SCRIPTS}") from error


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
