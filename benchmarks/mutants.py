"""How many planted mistakes the tests catch.

Run: python benchmarks/mutants.py [--only games losses:3 vaegan_bench/losses] [--workers 2] [--limit 300]

Each `[[mutant]]` of benchmarks/mutants/*.toml names a source file, a text that occurs exactly once in it, the mistake
that replaces it, and the tests that should fail then. Each is planted in a temporary copy of this checkout, never here.
All named tests run without a mistake first, and must pass. A test run that exceeds the limit counts as caught.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath
from typing import TypeVar

CHECKOUT = Path(__file__).resolve().parent.parent
PLANTED = CHECKOUT / "benchmarks" / "mutants"
CAUGHT, SURVIVED, NOT_PLANTED = "caught", "SURVIVED", "not planted"
T = TypeVar("T")


class MutantError(Exception):
    """One line: what is wrong, where, what to do."""


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One deliberate mistake, and the tests that should notice it."""

    name: str
    """The TOML file and the position in it, such as 'games:3'."""
    file: str
    find: str
    replace: str
    tests: tuple[str, ...]

    @property
    def room(self) -> str:
        """The TOML file."""
        return self.name.partition(":")[0]

    def is_meant_by(self, only: str) -> bool:
        """Whether `only` is its room, its name, or a folder or file that it changes."""
        return only in (self.room, self.name) or PurePosixPath(self.file).is_relative_to(only)

    def planted(self, source: str) -> str | None:
        """The source with the mistake; None where the text does not occur exactly once."""
        return source.replace(self.find, self.replace) if source.count(self.find) == 1 else None


def read_mutants() -> list[Mutant]:
    """All planted mistakes. Raises `MutantError` for a file that cannot be used."""
    return [mutant for path in sorted(PLANTED.glob("*.toml")) for mutant in read_file(path)]


def read_file(path: Path) -> list[Mutant]:
    """The mistakes of one file."""
    try:
        tables = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MutantError(f"{path} is not TOML: {error}") from error
    listed = tables.pop("mutant", [])
    if tables or not isinstance(listed, list):
        raise MutantError(f"{path}: write [[mutant]] before each mistake, and nothing else")
    return [read_mutant(f"{path.stem}:{position}", table) for position, table in enumerate(listed, start=1)]


def read_mutant(name: str, table: object) -> Mutant:
    """One mistake, with every key checked."""
    wanted = {field.name for field in fields(Mutant)} - {"name"}
    if not isinstance(table, dict) or set(table) != wanted:
        raise MutantError(f"{name}: the keys must be {', '.join(sorted(wanted))}")
    texts, tests = [table[key] for key in ("file", "find", "replace")], table["tests"]
    if not all(isinstance(text, str) for text in texts) or not (isinstance(tests, list) and tests):
        raise MutantError(f"{name}: file, find and replace are texts, tests is a list of test files")
    if not table["find"] or table["find"] == table["replace"]:
        raise MutantError(f"{name}: find must be a text, and another than replace")
    for path in (table["file"], *(str(test).partition("::")[0] for test in tests)):
        if not (CHECKOUT / path).is_file():
            raise MutantError(f"{name}: there is no file {path}")
    return Mutant(name=name, file=texts[0], find=texts[1], replace=texts[2], tests=tuple(tests))


def chosen(mutants: Sequence[Mutant], only: Sequence[str]) -> list[Mutant]:
    """Those that were asked for: all by default. Raises `MutantError` for a name that fits none."""
    for name in only:
        if not any(mutant.is_meant_by(name) for mutant in mutants):
            rooms = ", ".join(sorted({mutant.room for mutant in mutants}))
            raise MutantError(f"--only {name} fits no mutant: give a room ({rooms}), room:number, or a path")
    return [mutant for mutant in mutants if not only or any(mutant.is_meant_by(name) for name in only)]


class Copy:
    """A copy of the checkout, its cache folder and its temporary files, for one worker."""

    def __init__(self, folder: Path, limit: float) -> None:
        self.root, self.output, self.limit = folder / "checkout", folder / "output.txt", limit
        own = {name: folder / name.lower() for name in ("TMPDIR", "XDG_CACHE_HOME")}
        for path in own.values():
            path.mkdir(parents=True)
        one_thread = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        self.environment = {**os.environ, **one_thread, **{name: str(path) for name, path in own.items()}}
        self.environment["PYTHONPATH"] = str(self.root)
        for tracked in tracked_files():
            (self.root / tracked).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / tracked, self.root / tracked)

    async def passes(self, tests: Sequence[str], **environment: str) -> bool:
        """Whether all tests pass within the limit."""
        with self.output.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests),
                cwd=self.root,
                env={**self.environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            return await asyncio.wait_for(process.wait(), self.limit) == 0
        except TimeoutError:
            return False
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    async def outcome(self, mutant: Mutant) -> str:
        """Plant the mistake, run its tests, and restore the file."""
        path = self.root / mutant.file
        source = path.read_text()
        planted = mutant.planted(source)
        if planted is None:
            return NOT_PLANTED
        path.write_text(planted)
        try:
            # Bytecode of the mistake could be taken for that of the restored file.
            survived = await self.passes(mutant.tests, PYTHONDONTWRITEBYTECODE="1")
        finally:
            path.write_text(source)
        return SURVIVED if survived else CAUGHT


def tracked_files() -> list[str]:
    """What git has of this checkout, and what it would take: new tests count before they are committed."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise MutantError(f"{CHECKOUT} is no git checkout that can be copied: {error}") from error
    return [path for path in listed.split("\0") if path and (CHECKOUT / path).is_file()]


async def in_turn(copies: Sequence[Copy], jobs: Sequence[T], work: Callable[[Copy, T], Awaitable[None]]) -> None:
    """Do every job once, each copy one at a time."""
    waiting = iter(jobs)

    async def worker(copy: Copy) -> None:
        for job in waiting:
            await work(copy, job)

    async with asyncio.TaskGroup() as group:
        for copy in copies:
            group.create_task(worker(copy))


async def check_tests(copies: Sequence[Copy], tests: Sequence[str]) -> None:
    """Run all named tests without a mistake. Raises `MutantError` for those that fail."""
    failed: list[str] = []

    async def run(copy: Copy, test: str) -> None:
        started = time.monotonic()
        passed = await copy.passes([test])
        print(f"without a mistake: {test} {'passes' if passed else 'FAILS'} ({seconds_since(started)})", flush=True)
        if not passed:
            failed.append(test)
            print(copy.output.read_text(errors="replace"), flush=True)

    await in_turn(copies, tests, run)
    if failed:
        raise MutantError(f"without any mistake these tests fail or exceed the limit: {', '.join(failed)}")


async def plant_all(copies: Sequence[Copy], mutants: Sequence[Mutant]) -> dict[Mutant, str]:
    """The outcome of every mistake, each printed as soon as it is known."""
    outcomes: dict[Mutant, str] = {}

    async def run(copy: Copy, mutant: Mutant) -> None:
        started = time.monotonic()
        outcomes[mutant] = outcome = await copy.outcome(mutant)
        reason = " (text not found once)" if outcome == NOT_PLANTED else ""
        change = f"{mutant.find!r} → {mutant.replace!r}"
        done = f"[{len(outcomes)}/{len(mutants)}, {seconds_since(started)}]"
        print(f"{done} {outcome}{reason}: {mutant.name} {mutant.file}: {change}", flush=True)

    await in_turn(copies, mutants, run)
    return outcomes


def seconds_since(started: float) -> str:
    """Such as '12 s'."""
    return f"{time.monotonic() - started:.0f} s"


def summary(outcomes: dict[Mutant, str]) -> str:
    """A line per room and one in total, with the share of the planted mistakes that was caught."""
    rooms: dict[str, Counter[str]] = {}
    for mutant, outcome in outcomes.items():
        for name in (mutant.room, "all"):
            rooms.setdefault(name, Counter())[outcome] += 1
    return "\n".join(f"{name}: {share(rooms[name])}" for name in sorted(rooms, key=lambda name: (name == "all", name)))


def share(counts: Counter[str]) -> str:
    """Such as '37 of 40 caught (92 %), 3 survived'."""
    planted = counts[CAUGHT] + counts[SURVIVED]
    percent = f" ({counts[CAUGHT] / planted:.0%})" if planted else ""
    missing = f", {counts[NOT_PLANTED]} not planted" if counts[NOT_PLANTED] else ""
    return f"{counts[CAUGHT]} of {planted} caught{percent}, {counts[SURVIVED]} survived{missing}"


async def run_all(mutants: Sequence[Mutant], folder: Path, workers: int, limit: float) -> dict[Mutant, str]:
    """Check the tests and plant every mistake, in copies of the checkout in a folder."""
    copies = [Copy(folder / str(worker), limit) for worker in range(min(workers, len(mutants)))]
    await check_tests(copies, sorted({test for mutant in mutants for test in mutant.tests}))
    return await plant_all(copies, mutants)


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder that is gone afterwards, even if a signal arrives while it is removed."""
    with tempfile.TemporaryDirectory(prefix="mutants-", ignore_cleanup_errors=True) as folder:
        try:
            yield Path(folder)
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)


def positive(text: str) -> int:
    """A whole number of at least 1."""
    if int(text) < 1:
        raise ValueError
    return int(text)


def main() -> int:
    """Plant what was asked for; 0 if all of it could be planted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", nargs="+", default=[], help="rooms (games), names (games:3), or paths of source files"
    )
    parser.add_argument("--workers", type=positive, default=1, help="copies that work at once, one thread each")
    parser.add_argument("--limit", type=positive, default=300, help="seconds for the tests of one mistake")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        mutants = chosen(read_mutants(), arguments.only)
        with scratch_folder() as folder:
            outcomes = asyncio.run(run_all(mutants, folder, arguments.workers, arguments.limit))
    except MutantError as error:
        print(f"Error: {error}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted: the copies are removed.", file=sys.stderr)
        return 130
    print(summary(outcomes))
    return 1 if NOT_PLANTED in outcomes.values() else 0


if __name__ == "__main__":
    sys.exit(main())
