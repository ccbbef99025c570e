"""Draw many faces, in parallel processes where that is worth it; imports no torch, as `drawing`."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from vaegan_bench.datasets.avatars.drawing import Pixels, draw
from vaegan_bench.datasets.avatars.faces import random_face
from vaegan_bench.errors import DataError

if TYPE_CHECKING:
    from vaegan_bench.api import Progress

CHUNK = 40
"""Faces that a worker draws before it reports; an interrupted parent waits for a few chunks."""

Chunk = Callable[[int], Pixels]
Spread = Callable[[Chunk, Iterable[int]], Iterable[Pixels]]
"""`map`, or the same over processes."""


def draw_gallery(faces: int, size: int, progress: Progress, workers: int | None = None) -> Pixels:
    """The first `faces` pictures, the same for any number of worker processes; (faces, 3, size, size).

    Raises `DataError` where worker processes cannot start.
    """
    pictures = np.empty((faces, 3, size, size), np.uint8)
    starts = range(0, faces, CHUNK)
    with _crew(workers or _useful_workers(faces)) as spread:
        progress("drawing avatars", 0, faces)
        for start, chunk in zip(starts, spread(partial(_chunk, faces, size), starts), strict=True):
            pictures[start : start + CHUNK] = chunk
            progress("drawing avatars", start + len(chunk), faces)
    return pictures


def _chunk(faces: int, size: int, start: int) -> Pixels:
    return np.stack([draw(random_face(i), size) for i in range(start, min(start + CHUNK, faces))])


def _useful_workers(faces: int) -> int:
    # Daemons (workers of Dask) may not have children, and a worker takes as long to start as to draw 100 faces.
    if multiprocessing.current_process().daemon:
        return 1
    return max(1, min(os.cpu_count() or 1, faces // 200, 32))


@contextmanager
def _crew(workers: int) -> Iterator[Spread]:
    if workers == 1:
        yield map
        return
    # Not forked: the parent holds torch and its threads.
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=spawn, initializer=_become_worker)
    try:
        yield pool.map
    except BrokenProcessPool as error:
        raise DataError(
            "The processes that draw avatars died: there was too little memory, or a script starts its work "
            "outside of `if __name__ == '__main__':`."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _become_worker() -> None:
    # Ctrl-C reaches the whole process group; the parent alone answers it, by shutting the pool down.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    # A parent that is killed cannot shut the pool down, and its workers would wait for ever.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
