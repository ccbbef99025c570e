"""Space on disks: whether there is enough, and which errors mean that there is none left."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from vaegan_bench.system.errors import StoreError

SHORTAGES = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
"""Errors that every further write would meet too: a full disk, a used-up quota, a limit on files, a read-only disk."""
REPEAT = "When the disk can be written again, run the same command again: it goes on from here."


def shortage_in(error: BaseException | None) -> OSError | None:
    """The error in `SHORTAGES` that `error` is or was caused by; None where there is none."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in SHORTAGES:
            return error
        error = error.__cause__
    return None


def check_space(folder: Path, needed: int, what: str, option: str) -> None:
    """Refuse work that would fill a disk, before any of it is done.

    `needed` is in bytes, `what` begins the message, and `option` is how users name another folder. Raises `StoreError`.
    """
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if os.path.exists(path))
    free = shutil.disk_usage(there).free
    if needed > free:
        raise StoreError(
            f"{what} can take up to {in_words(needed)} in {folder}, and only {in_words(free)} are free there: free "
            f"{in_words(needed - free)} more, or choose a folder on another disk with {option}."
        )


def in_words(size: int) -> str:
    """A number of bytes in a readable unit: '1.2 GB'."""
    for unit, scale in (("GB", 10**9), ("MB", 10**6)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size / 1000:.0f} kB"
