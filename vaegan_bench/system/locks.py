"""Lock files: how processes keep out of each other's way, and what a user is told where that cannot work."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from vaegan_bench.system.errors import StoreError

WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""What the system answers on a file system that has no locks."""


@contextmanager
def locked(path: Path, *, busy: str = "", waiting: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Hold the lock file `path`.

    Where another process holds it, raise `StoreError(busy)`; without `busy`, call `waiting` and wait for that process.
    Raises `StoreError` where there can be no lock: a folder that cannot be written, a lock file of another user, a file
    system without locks.
    """
    lock = FileLock(path)
    try:
        _acquire(lock, busy, waiting)
    except (OSError, NotImplementedError) as error:
        raise StoreError(f"Cannot lock {path}: {_reason(path, error)}.") from error
    try:
        yield
    finally:
        lock.release()


def _acquire(lock: FileLock, busy: str, waiting: Callable[[], object]) -> None:
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        if busy:
            raise StoreError(busy) from error
        waiting()
        lock.acquire()


def _reason(path: Path, error: OSError | NotImplementedError) -> str:
    if isinstance(error, NotImplementedError) or error.errno in WITHOUT_LOCKS:
        return "this file system has no locks; choose a folder on another one with --results or --cache-dir"
    if isinstance(error, PermissionError) and _is_of_another(path):
        return "the file belongs to another user; remove it when none of their processes works there"
    return f"{error.strerror or error}; choose a folder that you can write with --results or --cache-dir"


def _is_of_another(path: Path) -> bool:
    """Whether a file is there and belongs to another user, where files have owners."""
    return os.name == "posix" and path.exists() and path.stat().st_uid != os.getuid()
