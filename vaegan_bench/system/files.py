"""Files: written whole or not at all, known by their hash, and held by one process at a time."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from filelock import FileLock, Timeout

from vaegan_bench.system.errors import StoreError

Stamp = tuple[int, int, int]
"""Size, time of change in nanoseconds and inode of a file: equal as long as nobody writes to it or replaces it."""
WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""What the system answers on a file system that has no locks."""


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A file beside `path` that takes its place at the end. Raises `StoreError` where it cannot be written."""
    partial = _partial(path)
    try:
        with _removed_at_the_end(partial):
            yield partial
            partial.replace(path)
    except OSError as error:
        raise StoreError(f"Cannot write {path}: {error.strerror or error}.") from error


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder beside `path` that takes its place at the end. Raises `StoreError` where it cannot be written."""
    partial = _partial(path)
    try:
        partial.mkdir(parents=True, exist_ok=True)
        yield partial
        shutil.rmtree(path, ignore_errors=True)
        partial.rename(path)
    except OSError as error:
        raise StoreError(f"Cannot write {path}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def remove(path: Path) -> None:
    """Remove a file if it is there. Raises `StoreError` where it cannot be removed."""
    try:
        if path.exists():
            path.unlink()
    except OSError as error:
        raise StoreError(f"Cannot remove {path}: {error.strerror or error}.") from error


def sha256_of_file(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def known_sha256(path: Path) -> str:
    """The same, computed once per process as long as the file's stamp is the same."""
    return _known_sha256(path.resolve(), stamp_of(path))


def stamp_of(path: Path | str) -> Stamp | None:
    """The stamp of a file; None where there is no such file."""
    try:
        found = os.stat(path)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            return None
        raise
    return (found.st_size, found.st_mtime_ns, found.st_ino) if stat.S_ISREG(found.st_mode) else None


def written_stamp(path: Path) -> tuple[int, int] | None:
    """Size and time of change of a file: what a copy with its times has as well; None where there is no such file."""
    stamp = stamp_of(path)
    return stamp and stamp[:2]


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


def lock_of(path: Path) -> Path:
    """The lock file of a file or folder: beside it, and hidden."""
    return path.with_name(f".{path.name}.lock")


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.partial")


@contextmanager
def _removed_at_the_end(partial: Path) -> Iterator[None]:
    try:
        yield
    finally:
        if partial.exists():
            partial.unlink()


@cache
def _known_sha256(path: Path, stamp: Stamp | None) -> str:
    return sha256_of_file(path)


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
    if isinstance(error, PermissionError) and _is_of_another_user(path):
        return "the file belongs to another user; remove it when none of their processes works there"
    return f"{error.strerror or error}; choose a folder that you can write with --results or --cache-dir"


def _is_of_another_user(path: Path) -> bool:
    """Whether a file is there and belongs to another user, where files have owners."""
    return os.name == "posix" and path.exists() and path.stat().st_uid != os.getuid()
