"""Files: written whole or not at all, and identified by their hash."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import stat
import time
import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from vaegan_bench.system.errors import StoreError
from vaegan_bench.system.processes import host_identity, is_running

PARTIAL = re.compile(r"\..*\.(?P<host>[0-9a-f]{8})-(?P<pid>\d+)-[0-9a-f]{8}\.partial")
"""The name of an unfinished file or folder: it contains the machine and the process that write it."""
OLD = 24 * 3600.0
"""Seconds after which an unfinished file or folder counts as abandoned, whatever process began it."""
Stamp = tuple[int, int, int]
"""Size, time of change in nanoseconds and inode of a file: equal as long as nobody writes to it or replaces it."""


@contextmanager
def writable(path: Path) -> Iterator[None]:
    """Within the context, turn an `OSError` into a `StoreError` that names the path."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"Cannot write {path}: {error.strerror or error}.") from error


def make_folder(path: Path) -> None:
    """Make a folder and those above it. Raises `StoreError` where that cannot be done."""
    with writable(path):
        path.mkdir(parents=True, exist_ok=True)


@contextmanager
def replace_file(path: Path, stage: Path | None = None) -> Iterator[Path]:
    """A path to write a file to, at `stage` or beside `path`; the file moves to `path` when it is finished.

    Raises `StoreError` where it cannot be written.
    """
    refuse_other_than_file(path)
    partial = stage or partial_of(path)
    with writable(path), _removed_at_the_end(partial):
        yield partial
        partial.replace(path)


def refuse_other_than_file(path: Path) -> None:
    """Raise `StoreError` for a folder, a device or a pipe, which no file can replace; a link is replaced itself."""
    with writable(path), suppress(FileNotFoundError):
        mode = path.lstat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
            raise StoreError(
                f"Cannot write {path}: that is a {'folder' if stat.S_ISDIR(mode) else 'device or a pipe'}."
            )


@contextmanager
def replace_file_durably(path: Path, previous: Path | None, stage: Path) -> Iterator[Path]:
    """The path `stage` to write a file to; the finished file is flushed to the disk, then moves to `path`.

    The earlier file becomes `previous`, if that is given. At every moment, even of a power failure, one of them is
    whole. Raises `StoreError` where the file cannot be written.
    """
    with writable(path), _removed_at_the_end(stage):
        yield stage
        write_through(stage)  # fails where the stage is gone, before an earlier file moves
        if previous is not None and path.exists():
            path.replace(previous)
        stage.replace(path)
        write_through(path.parent)


def write_through(path: Path) -> None:
    """Flush a file, or the names in a folder, to the disk; does nothing for a folder where the system cannot."""
    if path.is_dir() and not hasattr(os, "O_DIRECTORY"):
        return
    opened = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextmanager
def replace_folder(path: Path, stage: Path, last: str, spare: Collection[str] = ()) -> Iterator[Path]:
    """The folder `stage` to write files to; at the end they are flushed to the disk and replace those in `path`.

    The old file `last` is the first that is removed, and the new one the last that arrives: while `last` is in `path`,
    all other files are, too. Old files named in `spare` are removed after that. Raises `StoreError` where the folder
    cannot be written.
    """
    with writable(path), _removed_at_the_end(stage):
        stage.mkdir()
        yield stage
        if path.is_symlink():
            raise StoreError(f"Cannot write {path}: it is a link to another folder. Remove the link.")
        path.mkdir(exist_ok=True)
        arrived = partial_of(path / stage.name)
        stage.rename(arrived)  # fails where the stage is gone, before any old file is removed
        for file in arrived.iterdir():
            write_through(file)  # some file systems notice only now that the disk is full
        _clear(path, last, [*spare, arrived.name])
        for file in sorted(arrived.iterdir(), key=lambda file: file.name == last):
            file.replace(path / file.name)
        arrived.rmdir()
        write_through(path)
        for name in spare:
            (path / name).unlink(missing_ok=True)


def partial_of(path: Path) -> Path:
    """A hidden path beside `path` for an unfinished file or folder; every call, on every machine, gives another one."""
    return path.with_name(f".{path.name}.{_host()}-{os.getpid()}-{uuid.uuid4().hex[:8]}.partial")


def remove_strays(folder: Path) -> None:
    """Remove the unfinished files of killed processes from a folder; other unfinished files only if a day old."""
    for path in folder.glob(".*.partial"):
        if _is_stray(path):
            remove_tree(path)


def remove_tree(path: Path) -> None:
    """Remove a file or a folder with its content; what cannot be removed stays, without an error."""
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
    """SHA-256 of a file's content, in hexadecimal, computed once per process while the file's stamp is the same."""
    return _known_sha256(path.resolve(), stamp_of(path))


def stamp_of(path: Path | str) -> Stamp | None:
    """The stamp of a file; None where there is no such file. Raises `StoreError` where that cannot be known."""
    try:
        found = os.stat(path)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            return None
        raise StoreError(f"Cannot read {path}: {error.strerror or error}.") from error
    return (found.st_size, found.st_mtime_ns, found.st_ino) if stat.S_ISREG(found.st_mode) else None


def written_stamp(path: Path) -> tuple[int, int] | None:
    """Size and time of change of a file, equal for a copy that keeps times; None where there is no such file."""
    stamp = stamp_of(path)
    return stamp and stamp[:2]


def has_stamp(path: Path, stamps: Mapping[str, tuple[int, int]]) -> bool:
    """Whether a file is there with the stamp of its name in `stamps`: nobody has written to it since."""
    stamp = written_stamp(path)
    return stamp is not None and stamp == stamps.get(path.name)


def _clear(folder: Path, first: str, but: Collection[str]) -> None:
    """Remove the content of a folder, `first` first, except for the names in `but`."""
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
            remove_tree(partial)


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
