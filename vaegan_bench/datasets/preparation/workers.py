"""Worker processes that do parts of a preparation; imports neither torch nor NumPy, so that they start fast."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import types
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any

from vaegan_bench.system.cores import usable_cores
from vaegan_bench.system.errors import DataError

Spread = Callable[..., Iterable[Any]]
"""`map`, or the same over processes: results come in the order of the tasks."""
MOST = 32


def useful_workers(images: int, worth: int) -> int:
    """How many processes are worth their start on this machine, if one is worth it for every `worth` images."""
    # Daemons (workers of Dask) may not have children.
    if multiprocessing.current_process().daemon:
        return 1
    return max(1, min(usable_cores(), images // worth, MOST))


@contextmanager
def crew(workers: int, what: str) -> Iterator[Spread]:
    """A `map` over `workers` processes of one thread each; 1 means this process.

    Raises `DataError` where processes cannot start, or die.
    """
    if workers == 1:
        yield map
        return
    pool = ProcessPoolExecutor(workers, mp_context=_Spawn(), initializer=_become_worker)
    try:
        yield pool.map
    except BrokenProcessPool as error:
        raise DataError(f"The processes that prepare {what} died: was there too little memory?") from error
    finally:
        pool.shutdown(cancel_futures=True)


class _Process(SpawnProcess):
    """A spawned process that, unlike others, does not import the user's script.

    A script that is not guarded by `if __name__ == '__main__':` would otherwise start its work again in each process,
    and wait there for its own parent. Tasks are functions of this package, which need nothing from the script.
    """

    @staticmethod
    def _Popen(process: SpawnProcess) -> object:  # type: ignore[override]  # noqa: N802
        script = sys.modules["__main__"]
        sys.modules["__main__"] = types.ModuleType("__main__")
        try:
            return SpawnProcess._Popen(process)
        finally:
            sys.modules["__main__"] = script


class _Spawn(SpawnContext):
    """Processes that are spawned, not forked: the parent holds torch and its threads."""

    Process = _Process


def _become_worker() -> None:
    # Ctrl-C reaches the whole process group; the parent alone answers it, by shutting the pool down.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    # A parent that is killed cannot shut the pool down, and its workers would wait for ever.
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)
