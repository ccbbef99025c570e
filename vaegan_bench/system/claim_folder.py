"""The folder that represents a claim on a path, and the few operations on it that are atomic on every file system.

A claim on a path NAME is the folder `.NAME.claim/` beside it. This folder holds one other folder, whose name is the
token of the claim, with `owner.json` and `beat.json` in it. The claim begins with one rename, which fails where another
claim stands. Its owner, or a process that finds the owner dead, ends it with one rename of the token's folder. Every
operation names a token, and no token is used twice: so no process, however long it was paused, ends the wrong claim.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vaegan_bench.system.files import partial_of, remove_tree
from vaegan_bench.system.plain_data import read_as
from vaegan_bench.system.processes import ProcessIdentity

OWNER, BEAT = "owner.json", "beat.json"
TAKEN = (errno.ENOTEMPTY, errno.EEXIST)
"""Errors of renaming a folder onto another one that exists, which may have gone since."""
TAKEN_OR_DENIED = (errno.EACCES, errno.EPERM)
"""Errors of the same on Windows; elsewhere they mean a folder that cannot be written."""
GONE = (errno.ENOENT, errno.ESTALE)
"""Errors of looking for a path that no longer exists; the second is that of network file systems."""


@dataclass(frozen=True, kw_only=True)
class Holder:
    """The holder of a path: its claim and its process."""

    token: str
    process: ProcessIdentity | None = None
    """None where it cannot be read."""
    beat: float
    """The time of its last sign of life, by the clock of the file system."""
    progress: Mapping[str, Any] = field(default_factory=dict)
    """The progress that it last reported."""

    def __str__(self) -> str:
        return str(self.process or "an unknown process")

    @property
    def has_ended(self) -> bool | None:
        """Whether its process has ended; None where that cannot be seen from here."""
        return self.process.has_ended if self.process else None


class ClaimFolder:
    """The folder for claims on one path; at most one claim stands at a time."""

    def __init__(self, path: Path) -> None:
        self.path, self.folder = path, path.with_name(f".{path.name}.claim")

    def holders(self) -> list[Holder]:
        """The holders of the path: none or one, unless the system or a user put something else there."""
        try:
            tokens = os.listdir(self.folder)
        except OSError as error:
            if error.errno in GONE:
                return []
            raise
        return [holder for token in tokens if (holder := self._holder(token)) is not None]

    def holds(self, token: str) -> bool:
        """Whether the claim with this token stands. Raises `OSError` where that cannot be known."""
        try:
            (self.folder / token / OWNER).stat()
        except OSError as error:
            if error.errno in GONE:
                return False
            raise
        return True

    def write_candidate(self, at: Path, token: str, owner: ProcessIdentity) -> None:
        """Prepare a claim beside the path."""
        (at / token).mkdir(parents=True)
        (at / token / OWNER).write_text(json.dumps(asdict(owner)), "utf-8")
        write_beat(at / token, {})

    def install(self, candidate: Path, token: str) -> bool:
        """Make a prepared claim the one that stands; False where another one stands already."""
        with suppress(OSError):
            self.folder.rmdir()  # fails unless it is empty: its last owner was killed in between
        try:
            candidate.rename(self.folder)
        except OSError as error:
            if self.holds(token):  # the answer was lost on a network, and the second try found nothing to rename
                return True
            if error.errno in TAKEN or (error.errno in TAKEN_OR_DENIED and self.folder.exists()):
                return False
            raise
        return True

    def end(self, token: str) -> None:
        """End a claim and remove what its owner has staged in it. Does nothing where the claim no longer stands."""
        aside = partial_of(self.path)
        with suppress(FileNotFoundError):
            (self.folder / token).rename(aside)
            remove_tree(aside)
        with suppress(OSError):
            self.folder.rmdir()

    def _holder(self, token: str) -> Holder | None:
        """The holder with this token; None where its claim has just ended."""
        place = self.folder / token
        try:
            beat, progress = read_beat(place) if (place / BEAT).is_file() else (place.stat().st_mtime, {})
        except OSError as error:
            if error.errno in GONE:
                return None
            raise
        return Holder(token=token, process=_owner(place), beat=beat, progress=progress)


def write_beat(place: Path, progress: Mapping[str, Any]) -> None:
    """Write a sign of life of the owner, with its progress. Raises `OSError` where its claim no longer stands."""
    (place / "next beat").write_text(json.dumps(dict(progress)), "utf-8")
    (place / "next beat").replace(place / BEAT)


def read_beat(place: Path) -> tuple[float, dict[str, Any]]:
    """The time of the owner's last sign of life, by the clock of the file system, and its progress.

    The file is opened before its time is read: a network file system asks the server about open files, but answers from
    its cache about others.
    """
    with (place / BEAT).open("rb") as file:
        when = os.fstat(file.fileno()).st_mtime
        try:
            progress = json.loads(file.read())
        except ValueError:  # a power failure
            progress = {}
    return when, progress if isinstance(progress, dict) else {}


def _owner(place: Path) -> ProcessIdentity | None:
    """The owner of a claim; None where it cannot be read: after a power failure, files may be empty."""
    try:
        return read_as(ProcessIdentity, json.loads((place / OWNER).read_bytes()))
    except (OSError, ValueError):
        return None
