"""Claims: one owner at a time, whoever dies, wakes late or loses an answer of the network."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from vaegan_bench.api import StoreError
from vaegan_bench.system.claim_folder import BEAT, OWNER, ClaimFolder, Holder, write_beat
from vaegan_bench.system.claims import Claim, Timing, claimed, holder_of, try_claim
from vaegan_bench.system.errors import ClaimLostError
from vaegan_bench.system.files import OLD, partial_of, remove_strays, replace_file, replace_folder
from vaegan_bench.system.heartbeat import heartbeat
from vaegan_bench.system.processes import this_process

SHORT = Timing(pause=0.01, patience=60.0, look=0.01)
ASLEEP = Timing(pause=1000.0)


@pytest.fixture(autouse=True)
def _no_claim_outlives_its_test() -> Iterator[None]:
    yield
    for claim in list(heartbeat._claims):
        heartbeat.remove(claim)


def held(path: Path, timing: Timing = ASLEEP) -> Claim:
    claim = try_claim(path, timing)
    assert isinstance(claim, Claim)
    return claim


def place_of(claim: Claim) -> Path:
    return claim.folder.folder / claim.token


def disguise(claim: Claim, **changes: Any) -> None:
    """Let a claim be that of another process."""
    path = place_of(claim) / OWNER
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def age(claim: Claim, seconds: float) -> None:
    """Let the last sign of life be so old by the clock of the file system."""
    path = place_of(claim) / BEAT
    path.touch()
    when = path.stat().st_mtime - seconds
    os.utime(path, (when, when))


def test_one_owner_at_a_time_who_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with held(path):
        other = try_claim(path)
        assert isinstance(other, Holder)
        assert str(other) == f"process {os.getpid()} on {this_process().hostname}"
        assert holder_of(path) == other
        with held(tmp_path / "another run"):
            pass
    assert holder_of(path) is None
    assert list(tmp_path.iterdir()) == []
    held(path).release()


KILLED = """
import os, signal, sys
from pathlib import Path
from vaegan_bench.system.claims import try_claim
claim = try_claim(Path(sys.argv[1]))
with claim.staged(Path("half")) as half:
    half.write_text("half")
    print("claimed", flush=True)
    signal.pause()
"""


def test_the_claim_of_a_killed_process_is_taken_over_at_once(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        other = try_claim(path)
        assert isinstance(other, Holder)
        assert f"process {process.pid} on " in str(other)
        process.send_signal(signal.SIGKILL)
        while isinstance(claim := try_claim(path), Holder):
            pass
        assert [file.name for file in sorted(tmp_path.rglob("*")) if file.is_file()] == [BEAT, OWNER]
    claim.release()
    assert list(tmp_path.iterdir()) == []


def test_another_process_with_the_number_of_a_dead_owner_is_not_the_owner(tmp_path: Path) -> None:
    claim = held(tmp_path / "run")
    disguise(claim, start=this_process().start - 100)
    held(tmp_path / "run").release()


@pytest.mark.parametrize("damage", ["", "{}", '{"host": 3}'])
@pytest.mark.parametrize(("silence", "is_dead"), [(50.0, False), (70.0, True)])
def test_owners_that_cannot_be_seen_are_dead_after_a_long_silence(
    tmp_path: Path, silence: float, is_dead: bool, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", lambda: 0.0)  # the clock of this machine is of no importance
    claim = held(tmp_path / "run")
    disguise(claim, host="another machine")
    if damage:
        (place_of(claim) / OWNER).write_text(damage)
    age(claim, silence)
    assert isinstance(try_claim(tmp_path / "run", SHORT), Claim) is is_dead


def test_an_owner_who_is_heard_of_again_after_a_long_silence_is_alive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = held(tmp_path / "run")
    disguise(claim, host="another machine")
    age(claim, 70.0)
    monkeypatch.setattr(time, "sleep", lambda seconds: claim.beat())
    assert isinstance(try_claim(tmp_path / "run", SHORT), Holder)


def taken_over(path: Path) -> tuple[Claim, Claim]:
    """A claim whose owner was taken for dead, and that of who took it over."""
    lost = held(path)
    disguise(lost, host="another machine")
    age(lost, 70.0)
    return lost, held(path, SHORT)


def test_who_lost_a_claim_learns_it_and_writes_nothing(tmp_path: Path) -> None:
    lost, new = taken_over(tmp_path / "run")
    with pytest.raises(ClaimLostError, match=r"process \d+ on .* took over .*/run: .* no sign of life for 60 seconds"):
        lost.check()
    with pytest.raises(ClaimLostError), lost.staged(tmp_path / "run"):
        pass
    assert not lost.beat()
    lost.release()
    new.check()
    assert new.beat()
    assert isinstance(try_claim(tmp_path / "run"), Holder)


@pytest.mark.parametrize("is_folder", [True, False])
def test_what_was_staged_under_a_lost_claim_does_not_replace_anything(tmp_path: Path, is_folder: bool) -> None:
    path = tmp_path / "run"
    if is_folder:
        path.mkdir()
        (path / "by").write_text("the new owner")
    else:
        path.write_text("the new owner")
    lost = held(path)
    writing: Callable[[Path, Path], AbstractContextManager[Path]]
    writing = partial(replace_folder, last="by") if is_folder else replace_file
    new = list[Claim]()
    with pytest.raises(ClaimLostError), lost.staged(path) as stage, writing(path, stage) as staged:  # noqa: PT012
        (staged / "by" if is_folder else staged).write_text("the lost owner")
        disguise(lost, host="another machine")
        age(lost, 70.0)
        new.append(held(path, SHORT))
    assert (path / "by" if is_folder else path).read_text() == "the new owner"
    new[0].check()
    new[0].release()
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_put_in_place_leaves_the_earlier_one(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "earlier").touch()
    with (
        pytest.raises(StoreError, match="Cannot write"),
        replace_folder(tmp_path / "run", tmp_path / "stage", "last") as stage,
    ):
        stage.rmdir()
    assert list(tmp_path.rglob("*")) == [tmp_path / "run", tmp_path / "run" / "earlier"]


def test_a_disk_that_is_full_when_files_are_flushed_leaves_the_earlier_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "last").write_text("earlier")

    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("vaegan_bench.system.files.write_through", full)
    writing = replace_folder(tmp_path / "run", tmp_path / "stage", "last")
    with pytest.raises(StoreError, match="No space left"), writing as stage:
        (stage / "last").write_text("new")
    assert (tmp_path / "run" / "last").read_text() == "earlier"


def test_a_process_that_is_held_up_ends_only_the_claim_that_it_found_dead(tmp_path: Path) -> None:
    dead, new = taken_over(tmp_path / "run")
    ClaimFolder(tmp_path / "run").end(dead.token)  # of a third process, which saw the dead one long ago
    new.check()
    candidate = partial_of(tmp_path / "run")
    ClaimFolder(tmp_path / "run").write_candidate(candidate, "late", this_process())
    assert not ClaimFolder(tmp_path / "run").install(candidate, "late")
    new.check()


def test_an_answer_that_the_network_lost_is_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = Path.rename

    def renamed_twice(self: Path, target: Path) -> Path:
        rename(self, target)
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", renamed_twice)
    claim = try_claim(tmp_path / "run")
    monkeypatch.undo()
    assert isinstance(claim, Claim)
    claim.check()


def test_a_claim_that_ends_while_a_rival_looks_at_it_leaves_the_path_to_the_rival(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename, path = Path.rename, tmp_path / "run"

    def renamed_too_late(self: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "rename", rename)
        with held(path):  # and its owner is done when the rename has failed
            raise OSError(errno.ENOTEMPTY, "Directory not empty")

    monkeypatch.setattr(Path, "rename", renamed_too_late)
    held(path).release()


def test_a_folder_that_an_owner_left_empty_is_claimed(tmp_path: Path) -> None:
    (tmp_path / ".run.claim").mkdir()
    held(tmp_path / "run").release()


def test_an_interrupted_attempt_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install = ClaimFolder.install

    def interrupted(self: ClaimFolder, candidate: Path, token: str) -> bool:
        install(self, candidate, token)
        raise KeyboardInterrupt

    monkeypatch.setattr(ClaimFolder, "install", interrupted)
    with pytest.raises(KeyboardInterrupt):
        try_claim(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("code", "owner", "words"),
    [
        (errno.EROFS, 0, "Read-only file system; choose another folder, or make this one writable"),
        (errno.EACCES, 0, "Permission denied; choose another folder"),
        (errno.EACCES, 1, "was left by a process of another user; remove it when"),
    ],
)
def test_a_folder_that_cannot_be_written_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, owner: int, words: str
) -> None:
    (tmp_path / ".run.claim").mkdir()

    def refuse(self: Path, *_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code), str(self))

    me = os.getuid()
    monkeypatch.setattr(Path, "mkdir", refuse)
    monkeypatch.setattr(os, "getuid", lambda: me + owner)
    with pytest.raises(StoreError, match=f"Cannot claim .*/run: .*{words}"):
        try_claim(tmp_path / "run")


def until(is_true: Callable[[], object]) -> None:
    """Wait until something is true that another thread does."""
    while not is_true():
        time.sleep(0.005)


def test_owners_give_signs_of_life_and_say_how_far_they_are(tmp_path: Path) -> None:
    first, second = held(tmp_path / "one", SHORT), held(tmp_path / "two", SHORT)
    first.report(phase="training", step=3)
    first.report(step=4)
    until(lambda: getattr(holder_of(tmp_path / "one"), "progress", None) == {"phase": "training", "step": 4})
    age(second, 1000.0)
    until(lambda: (place_of(second) / BEAT).stat().st_mtime > (place_of(second) / OWNER).stat().st_mtime - 1)
    first.release()
    age(second, 1000.0)
    until(lambda: (place_of(second) / BEAT).stat().st_mtime > (place_of(second) / OWNER).stat().st_mtime - 1)
    second.release()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_does_not_end_the_signs_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = held(tmp_path / "run")
    age(claim, 70.0)
    silent = (place_of(claim) / BEAT).stat().st_mtime

    def full(place: Path, progress: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("vaegan_bench.system.claims.write_beat", full)
    assert claim.beat()
    assert (place_of(claim) / BEAT).stat().st_mtime > silent + 60


def test_who_waits_says_so_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    claim, waited, pauses = held(tmp_path / "file"), list[str](), list[float]()

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 9:
            claim.release()

    monkeypatch.setattr(time, "sleep", sleep)
    with claimed(tmp_path / "file", lambda: waited.append("waiting"), Timing(look=0.5)) as mine:
        mine.check()
    assert waited == ["waiting"]
    assert pauses[0] < 0.02
    assert pauses[-1] == 0.5


def test_a_fork_does_not_release_what_its_parent_holds(tmp_path: Path) -> None:
    claim = held(tmp_path / "run")
    claim.pid += 1  # as in a fork, which has another number
    claim.release()
    claim.check()


def test_what_is_half_written_is_removed_once_its_process_is_dead(tmp_path: Path) -> None:
    mine = partial_of(tmp_path / "mine")
    dead = tmp_path / mine.name.replace("mine", "dead").replace(f"-{os.getpid()}-", f"-{ended_process()}-")
    distant = tmp_path / f".far.00000000-{ended_process()}-00000000.partial"
    old = tmp_path / ".old.00000000-1-00000000.partial"
    for path in (mine, dead, distant, old):
        path.mkdir()
        (path / "half").touch()
    os.utime(old, (time.time() - OLD - 60,) * 2)
    remove_strays(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([mine, distant])


def ended_process() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return process.pid


def test_names_of_what_is_half_written_are_never_the_same(tmp_path: Path) -> None:
    assert len({partial_of(tmp_path / "x") for _ in range(100)}) == 100
    with suppress(OSError):
        write_beat(tmp_path / "absent", {})
    assert list(tmp_path.iterdir()) == []


def test_a_claim_that_ends_while_a_network_file_system_lists_it_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: object) -> list[str]:
        raise OSError(errno.ESTALE, "Stale file handle")

    monkeypatch.setattr(os, "listdir", gone)
    assert ClaimFolder(tmp_path / "run").holders() == []
