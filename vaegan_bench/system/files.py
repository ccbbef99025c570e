"""Files: written whole or not at all, known by their hash, and held by one process at a time."""

from __future__ import annotations

import errno
import glob
import hashlib
import os
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from filelock import FileLock, Timeout

from vaegan_bench.system.errors import StoreError

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
def next_file(path: Path, previous: Path | None) -> Iterator[Path]:
    """A file beside `path` that takes its place at the end, once it is on the disk, and survives a power failure.

    What was there becomes `previous`, if that is given: at every moment one of them is whole. Raises `StoreError` where
    it cannot be written.
    """
    partial = _partial(path)
    try:
        with _removed_at_the_end(partial):
            yield partial
            _take_over(partial, path, previous)
    except OSError as error:
        raise StoreError(f"Cannot write {path}: {error.strerror or error}.") from error


def _take_over(partial: Path, path: Path, previous: Path | None) -> None:
    write_through(partial)
    if previous is not None and path.exists():
        path.replace(previous)
    partial.replace(path)
    write_through(path.parent)


def write_through(path: Path) -> None:
    """Have the system put a file, or the names in a folder, on the disk now; nothing for folders where it cannot."""
    if path.is_dir() and not hasattr(os, "O_DIRECTORY"):
        return
    opened = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextmanager
def new_folder(path: Path, last: str, spare: Collection[str] = ()) -> Iterator[Path]:
    """A folder beside `path` whose files go there at the end, on the disk for good, in place of what was there.

    The file `last` is the first to go and the last to come: as long as it is there, all are. Files named in `spare`
    stay until then. One process at a time may do this: what others left half done is removed. Raises `StoreError`
    where it cannot be written.
    """
    partial = _partial(path)
    for left in partials_of(path):
        shutil.rmtree(left, ignore_errors=True)
    try:
        partial.mkdir(parents=True, exist_ok=True)
        yield partial
        if path.is_symlink():
            raise StoreError(f"Cannot write {path}: it is a link to another folder. Remove the link.")
        path.mkdir(exist_ok=True)
        _clear(path, last, spare)
        for file in sorted(partial.iterdir(), key=lambda file: file.name == last):
            write_through(file)
            file.replace(path / file.name)
        write_through(path)
        _clear(path, last, [name for name in os.listdir(path) if name not in spare])
    except OSError as error:
        raise StoreError(f"Cannot write {path}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _clear(folder: Path, first: str, but: Collection[str]) -> None:
    """Remove what is in a folder, `first` first, but not what is named in `but`."""
    for path in sorted(folder.iterdir(), key=lambda path: path.name != first):
        if path.name in but:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


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
    """The same, computed once per process as long as the file's size and its time of change are the same."""
    stat = path.stat()
    return _known_sha256(path.resolve(), stat.st_size, stat.st_mtime_ns)


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


def partials_of(path: Path) -> list[Path]:
    """What processes left that were killed while they wrote `path`."""
    return sorted(path.parent.glob(f".{glob.escape(path.name)}.*.partial"))


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
def _known_sha256(path: Path, size: int, mtime_ns: int) -> str:
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
