"""Claims: of all processes that can see a path, on any machine, only one works on it at a time.

Claims use nothing but the creation and renaming of folders. Both are atomic on network file systems too, where locks
are unreliable. A process that gets a claim must check again whether the work is still to be done.
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
"""The number of attempts at a claim that fails although no holder is visible: a network may show an older state."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How long claims wait, in seconds."""

    pause: float = 5.0
    """Between two signs of life of an owner."""
    patience: float = 60.0
    """Time without a sign of life after which an owner on another machine counts as dead."""
    look: float = 0.5
    """The longest time between two attempts of a process that waits for a claim."""


USUAL = Timing()


class Claim:
    """A path that this process holds; as a context manager, it releases the path at the end."""

    def __init__(self, path: Path, timing: Timing) -> None:
        self.path, self.token, self.timing, self.pid = path, uuid.uuid4().hex, timing, os.getpid()
        self.folder = ClaimFolder(path)
        self.progress: dict[str, Any] = {}
        self._is_lost = False

    def report(self, **progress: Any) -> None:
        """Set how far the work is; other processes can see it from the next sign of life on."""
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
        """A path in the claim's folder, to prepare what will replace `path`; it exists only while the claim stands.

        So an owner that was taken for dead cannot rename anything into place. Raises `ClaimLostError` in this case.
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
        """End the claim, so that others can have the path."""
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
    """Claim a path: the claim, or the holder of the path if another process has it.

    The claim of a dead owner is ended first. Raises `StoreError` where no claim is possible: in a folder that cannot be
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
    """The holder of a path, dead or alive; None without a holder. It needs no permission to write there."""
    with suppress(OSError):
        return next(iter(ClaimFolder(path).holders()), None)
    return None


@contextmanager
def claimed(path: Path, waiting: Callable[[], object] = lambda: None, timing: Timing = USUAL) -> Iterator[Claim]:
    """Hold a path. While another process holds it, wait, and call `waiting` once. Raises as `try_claim` does."""
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
        """The other process that holds the path; None where the claim stands now."""
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
        """Whether a holder's process has ended or, on another machine, has given no sign of life for too long.

        The clocks of machines differ, so both times are those of the file system: of the holder's last beat, and of one
        that is written now. After a failure of the network all beats are old, so holders get time for one more.
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
    """The reason why no claim is possible, and what to do."""
    if error.errno in (errno.EACCES, errno.EPERM) and _is_of_another_user(folder.folder):
        return (
            f"{folder.folder} was left by a process of another user; remove it when none of their processes works there"
        )
    return f"{error.strerror or error}; choose another folder, or make this one writable"


def _is_of_another_user(path: Path) -> bool:
    """Whether a file is there and belongs to another user, where files have owners."""
    return os.name == "posix" and path.exists() and path.stat().st_uid != os.getuid()
