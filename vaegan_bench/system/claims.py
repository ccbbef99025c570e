"""Claims: one process at a time works on a path, among all that see it, on whatever machine.

Nothing but the creation and renaming of folders is used, which is atomic on network file systems, too, whose locks are
not to be relied on. Who gets a claim looks again whether the work is still to be done.
"""

from __future__ import annotations

import errno
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from vaegan_bench.system.claim_folder import BEAT, ClaimFolder, Holder, read_beat, write_beat
from vaegan_bench.system.errors import ClaimLostError, StoreError
from vaegan_bench.system.files import partial_of, remove_tree
from vaegan_bench.system.heartbeat import heartbeat
from vaegan_bench.system.processes import this_process

TRIES = 3
"""How often a claim is tried that is held by nobody who can be seen: a network may show an older state."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How long claims wait, in seconds."""

    pause: float = 5.0
    """Between two signs of life of an owner."""
    patience: float = 60.0
    """After which an owner on another machine is dead that has given none."""
    look: float = 0.5
    """Between two looks at the most, of who waits for a claim."""


USUAL = Timing()


class Claim:
    """A path that is held by this process. Leave it as a context, and it is free again."""

    def __init__(self, path: Path, timing: Timing) -> None:
        self.path, self.token, self.timing, self.pid = path, uuid.uuid4().hex, timing, os.getpid()
        self.folder = ClaimFolder(path)
        self.progress: dict[str, Any] = {}
        self._is_lost = False

    @property
    def pause(self) -> float:
        """Seconds between two signs of life."""
        return self.timing.pause

    def report(self, **progress: Any) -> None:
        """Let others know how far the work is, with the next sign of life."""
        self.progress = {**self.progress, **progress}

    def check(self) -> None:
        """Raise `ClaimLostError` where another process has taken the path over meanwhile."""
        if not self._is_lost and self.folder.holds(self.token):
            return
        self._is_lost = True
        others = " and ".join(map(str, self.folder.holders())) or "Another process"
        raise ClaimLostError(
            f"{others} took over {self.path}: this process had given no sign of life for {self.timing.patience:.0f} "
            "seconds. Its work on it is dropped."
        )

    @contextmanager
    def staged(self, path: Path) -> Iterator[Path]:
        """Where to prepare what takes the place of `path`; it exists only as long as the claim stands.

        So nothing is renamed into place by an owner that was taken for dead. Raises `ClaimLostError` then.
        """
        self.check()
        try:
            yield self.folder.folder / self.token / path.name
        except (OSError, StoreError):
            self.check()
            raise

    def beat(self) -> bool:
        """Give a sign of life; False where the claim is lost."""
        place = self.folder.folder / self.token
        try:
            write_beat(place, self.progress)
        except OSError:
            with suppress(OSError):
                self._is_lost = not self.folder.holds(self.token)
                os.utime(place / BEAT)  # needs no space on a full disk
        return not self._is_lost

    def release(self) -> None:
        """Let others have it."""
        heartbeat.remove(self)
        if self.pid == os.getpid():  # a fork has the claims of its parent in memory
            with suppress(OSError):
                self.folder.end(self.token)

    def __enter__(self) -> Claim:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def try_claim(path: Path, timing: Timing = USUAL) -> Claim | Holder:
    """Claim a path, or say who holds it.

    A claim whose owner is dead is ended. Raises `StoreError` where there can be no claim: in a folder that cannot be
    written, or where a dead owner was another user.
    """
    claim, candidate = Claim(path, timing), partial_of(path)
    try:
        holder = _Attempt(claim, candidate).run()
        if holder is None:
            heartbeat.add(claim)
            return claim
    except OSError as error:
        reason = _reason(claim.folder, error)
        claim.release()
        raise StoreError(f"Cannot claim {path}: {reason}.") from error
    except BaseException:
        claim.release()
        raise
    finally:
        remove_tree(candidate)
    return holder


def holder_of(path: Path) -> Holder | None:
    """Who holds a path, dead or alive; for readers, who need not be able to write there."""
    with suppress(OSError):
        return next(iter(ClaimFolder(path).holders()), None)
    return None


@contextmanager
def claimed(path: Path, waiting: Callable[[], object] = lambda: None, timing: Timing = USUAL) -> Iterator[Claim]:
    """Hold a path. Where another process does, call `waiting` once, and wait for it. Raises as `try_claim` does."""
    pause = timing.look / 32
    while not isinstance(got := try_claim(path, timing), Claim):
        waiting()
        waiting = _nothing
        time.sleep(pause)
        pause = min(2 * pause, timing.look)
    with got:
        yield got


class _Attempt:
    """One attempt to get a claim."""

    def __init__(self, claim: Claim, candidate: Path) -> None:
        self.claim, self.candidate, self.folder = claim, candidate, claim.folder

    def run(self) -> Holder | None:
        """Who holds the path instead; None where it is ours now."""
        for _ in range(TRIES):
            for holder in self.folder.holders():
                if not self._is_dead(holder):
                    return holder
                self.folder.end(holder.token)
            self._prepare()
            if self.folder.install(self.candidate, self.claim.token):
                return None
        return Holder(token="", beat=0.0)

    def _is_dead(self, holder: Holder) -> bool:
        """Whether its process has ended; of another machine, whether nothing is heard of it for long.

        Times are those of the file system, of its beat and of one that is made now: the clocks of machines differ.
        After a failure of the network nobody was heard of for long, so that owners get time for one more beat.
        """
        if (has_ended := holder.has_ended) is not None:
            return has_ended
        if self._now() - holder.beat <= self.claim.timing.patience:
            return False
        time.sleep(1.5 * self.claim.timing.pause)
        return holder in self.folder.holders()

    def _now(self) -> float:
        self._prepare()
        write_beat(self.candidate / self.claim.token, {})
        now, _ = read_beat(self.candidate / self.claim.token)
        return now

    def _prepare(self) -> None:
        if not self.candidate.exists():
            self.folder.write_candidate(self.candidate, self.claim.token, this_process())


def _nothing() -> None:
    pass


def _reason(folder: ClaimFolder, error: OSError) -> str:
    """Why there can be no claim, and what to do."""
    if error.errno in (errno.EACCES, errno.EPERM) and _is_of_another_user(folder.folder):
        return (
            f"{folder.folder} was left by a process of another user; remove it when none of their processes works there"
        )
    return f"{error.strerror or error}; choose a folder that you can write with --results or --cache-dir"


def _is_of_another_user(path: Path) -> bool:
    """Whether a file is there and belongs to another user, where files have owners."""
    return os.name == "posix" and path.exists() and path.stat().st_uid != os.getuid()
