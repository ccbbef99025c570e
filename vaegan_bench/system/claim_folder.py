"""The folder in which a claim stands, and the few operations on it that are atomic on every file system.

`.NAME.claim/` beside a path holds one folder, whose name is the token of a claim, with `owner.json` and `beat.json` in
it. It appears by one rename, which fails where there is another one. It is ended, by its owner or by who finds the
owner dead, by one rename of the token's folder. Every operation names a token, which is never used again, so that none
of them can end the claim of another owner than was meant, however long a process was held up in between.
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
TAKEN = (errno.ENOTEMPTY, errno.EEXIST, errno.EACCES, errno.EPERM)
"""What systems answer where a folder is to be renamed onto another one; the last two in Windows."""
GONE = (errno.ENOENT, errno.ESTALE)
"""What they answer where there is nothing any more; the second is of network file systems."""


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Who holds a path."""

    token: str
    process: ProcessIdentity | None = None
    """None where it cannot be read."""
    beat: float
    """When it was last heard of, by the clock of the file system."""
    progress: Mapping[str, Any] = field(default_factory=dict)
    """How far it is, as it last reported."""

    def __str__(self) -> str:
        return str(self.process or "an unknown process")

    @property
    def has_ended(self) -> bool | None:
        """Whether its process has ended; None where that cannot be seen from here."""
        return self.process.has_ended if self.process else None


class ClaimFolder:
    """The folder of all claims of one path, of which at most one stands at a time."""

    def __init__(self, path: Path) -> None:
        self.path, self.folder = path, path.with_name(f".{path.name}.claim")

    def holders(self) -> list[Holder]:
        """Who holds the path: nobody or one, unless the system or a user put something else there."""
        try:
            tokens = os.listdir(self.folder)
        except FileNotFoundError:
            return []
        return [holder for token in tokens if (holder := self._holder(token)) is not None]

    def holds(self, token: str) -> bool:
        """Whether this claim stands. Raises `OSError` where that cannot be known."""
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
        """Let a prepared claim stand; False where another one does."""
        with suppress(OSError):
            self.folder.rmdir()  # fails unless it is empty: its last owner was killed in between
        try:
            candidate.rename(self.folder)
        except OSError as error:
            if self.holds(token):  # the answer was lost on a network, and the second try found nothing to rename
                return True
            if error.errno in TAKEN and self.folder.exists():
                return False
            raise
        return True

    def end(self, token: str) -> None:
        """End a claim, with all that its owner has staged there. Nothing happens where it does not stand any more."""
        aside = partial_of(self.path)
        with suppress(FileNotFoundError):
            (self.folder / token).rename(aside)
            remove_tree(aside)
        with suppress(OSError):
            self.folder.rmdir()

    def _holder(self, token: str) -> Holder | None:
        """None where it has just ended."""
        place = self.folder / token
        try:
            beat, progress = read_beat(place) if (place / BEAT).is_file() else (place.stat().st_mtime, {})
        except OSError as error:
            if error.errno in GONE:
                return None
            raise
        return Holder(token=token, process=_owner(place), beat=beat, progress=progress)


def write_beat(place: Path, progress: Mapping[str, Any]) -> None:
    """Say that the owner is alive, and how far it is. Raises `OSError` where its claim does not stand any more."""
    (place / "next beat").write_text(json.dumps(dict(progress)), "utf-8")
    (place / "next beat").replace(place / BEAT)


def read_beat(place: Path) -> tuple[float, dict[str, Any]]:
    """When the owner was last heard of, by the clock of the file system, and how far it was.

    A network file system answers for a file that is open from the server, and else from its memory.
    """
    with (place / BEAT).open("rb") as file:
        when = os.fstat(file.fileno()).st_mtime
        try:
            progress = json.loads(file.read())
        except ValueError:  # a power failure
            progress = {}
    return when, progress if isinstance(progress, dict) else {}


def _owner(place: Path) -> ProcessIdentity | None:
    """None where it cannot be read: after a power failure, files may be empty."""
    try:
        return read_as(ProcessIdentity, json.loads((place / OWNER).read_bytes()))
    except (OSError, ValueError):
        return None
