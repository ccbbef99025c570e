"""Files: written whole or not at all, and known by their hash."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import stat
import time
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from vaegan_bench.system.errors import StoreError
from vaegan_bench.system.processes import host_identity, is_running

PARTIAL = re.compile(r"\..*\.(?P<host>[0-9a-f]{8})-(?P<pid>\d+)-[0-9a-f]{8}\.partial")
"""The name of what is not whole yet: it says whose it is."""
OLD = 24 * 3600.0
"""Seconds after which what is not whole yet is nobody's any more, wherever it was begun."""
Stamp = tuple[int, int, int]
"""Size, time of change in nanoseconds and inode of a file: equal as long as nobody writes to it or replaces it."""


@contextmanager
def whole_file(path: Path, stage: Path | None = None) -> Iterator[Path]:
    """A file that takes its place at the end; until then it is at `stage`, or beside `path`.

    Raises `StoreError` where it cannot be written.
    """
    partial = stage or partial_of(path)
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
    partial = partial_of(path)
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
def new_folder(path: Path, stage: Path, last: str, spare: Collection[str] = ()) -> Iterator[Path]:
    """A folder whose files go to `path` at the end, on the disk for good, in place of what was there.

    Until then it is at `stage`. The file `last` is the first to go and the last to come: as long as it is there, all
    are. Files named in `spare` stay until then. Raises `StoreError` where it cannot be written.
    """
    try:
        stage.mkdir()
        yield stage
        if path.is_symlink():
            raise StoreError(f"Cannot write {path}: it is a link to another folder. Remove the link.")
        path.mkdir(exist_ok=True)
        arrived = partial_of(path / stage.name)
        stage.rename(arrived)  # where the stage is gone, what is here stays
        _clear(path, last, [*spare, arrived.name])
        for file in sorted(arrived.iterdir(), key=lambda file: file.name == last):
            write_through(file)
            file.replace(path / file.name)
        arrived.rmdir()
        write_through(path)
        for name in spare:
            (path / name).unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"Cannot write {path}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def partial_of(path: Path) -> Path:
    """A hidden name beside `path` for what is not whole yet: no two calls, and no two machines, give the same."""
    return path.with_name(f".{path.name}.{_host()}-{os.getpid()}-{uuid.uuid4().hex[:8]}.partial")


def remove_strays(folder: Path) -> None:
    """Remove what killed processes did not make whole in a folder; that of others stays until it is a day old."""
    for path in folder.glob(".*.partial"):
        if _is_stray(path):
            remove_tree(path)


def remove_tree(path: Path) -> None:
    """Remove a file, or a folder with all that is in it, as far as it can be removed."""
    shutil.rmtree(path, ignore_errors=True)
    with suppress(OSError):
        path.unlink(missing_ok=True)


def remove(path: Path) -> None:
    """Remove a file if it is there. Raises `StoreError` where it cannot be removed."""
    try:
        path.unlink(missing_ok=True)
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


def _clear(folder: Path, first: str, but: Collection[str]) -> None:
    """Remove what is in a folder, `first` first, but not what is named in `but`."""
    for path in sorted(folder.iterdir(), key=lambda path: path.name != first):
        if path.name in but:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


@contextmanager
def _removed_at_the_end(partial: Path) -> Iterator[None]:
    try:
        yield
    finally:
        if partial.exists():
            partial.unlink()


def _host() -> str:
    return hashlib.sha256(host_identity().encode()).hexdigest()[:8]


def _is_stray(path: Path) -> bool:
    name = PARTIAL.fullmatch(path.name)
    if name and name["host"] == _host() and not is_running(int(name["pid"])):
        return True
    with suppress(OSError):
        return time.time() - path.stat().st_mtime > OLD
    return False


@cache
def _known_sha256(path: Path, stamp: Stamp | None) -> str:
    return sha256_of_file(path)
