"""Races of several processes on one store: is anything lost, or done twice?

Run: python benchmarks/races.py [--races 1000] [--processes 2 4] [--seed 0]

In each race a few processes, forks of this one, work on the same things at the same time; in half of the races one of
them is killed at a moment drawn at random, and another one is started in its place. Afterwards the store is checked:
everything is there, whole and done once, nothing is left over, and never were two processes inside of one claim.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from vaegan_bench.api import hookimpl
from vaegan_bench.execution.engines import agenda, serial
from vaegan_bench.execution.engines.workers import worker_pool
from vaegan_bench.execution.execution import Execution
from vaegan_bench.execution.trained_run import flat_weights, run_record
from vaegan_bench.models.gan import GAN
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.report.writing import write_tables
from vaegan_bench.results.records import MeasurementRecord
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.plan import Plan, make_plan
from vaegan_bench.study.study_file import load_study
from vaegan_bench.system.claims import Claim, Timing, claimed, try_claim
from vaegan_bench.system.exhibits import Exhibits, ImageSheet
from vaegan_bench.system.files import remove_strays, replace_file
from vaegan_bench.system.processes import is_running
from vaegan_bench.system.tensor_files import load_or_make, read_state
from vaegan_bench.testing import blobs
from vaegan_bench.testing.small import small_run
from vaegan_bench.training.loop import train

QUICK = Timing(pause=0.05, patience=5.0, look=0.02)
ITEMS = 4
"""Things that the processes of one race compete for."""
STUDY = {"models": ["vae-disl", "vae"], "seeds": 1, "steps": 2, "batch": 8, "samples": 16}
STUDY |= {"metrics": ["reconstruction"], "datasets": ["avatars[faces=64]"]}


@dataclass(frozen=True)
class Race:
    """What the processes of a race do, and what is wrong with the store afterwards."""

    name: str
    share: float
    """Of all races."""
    run: Callable[[Path], None]
    faults: Callable[[Path, int], list[str]]
    """(folder, number of processes that were killed) → what is wrong."""
    longest: float
    """Seconds until which a process is killed."""
    prepare: Callable[[Path], object] = lambda folder: None


def note(folder: Path, log: str, line: str) -> None:
    """Add a line to a log, which no other process can divide."""
    descriptor = os.open(folder / log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{line}\n".encode())
    os.close(descriptor)


def noted(folder: Path, log: str) -> list[str]:
    """The lines of a log."""
    return (folder / log).read_text().split("\n")[:-1] if (folder / log).is_file() else []


@contextmanager
def alone(folder: Path, item: str) -> Iterator[None]:
    """Note where another living process is inside as well."""
    inside = folder / f"{item}.inside"
    try:
        inside.symlink_to(str(os.getpid()))
    except FileExistsError:
        with suppress(FileNotFoundError):
            if is_running(int(inside.readlink().name)):
                note(folder, "faults", f"two processes inside of {item}")
        inside.unlink(missing_ok=True)
        inside.symlink_to(str(os.getpid()))
    yield
    inside.unlink()


# Claims with small work.


def work_on_items(folder: Path) -> None:
    """Walk through the items as an execution walks through runs, until all are done."""
    left = [f"item{i}" for i in range(ITEMS)]
    while left:
        for item in list(left):
            claim = try_claim(folder / item, QUICK)
            if not isinstance(claim, Claim):
                continue
            with claim:
                left.remove(item)
                if not (folder / item).is_file():
                    do_item(folder, item, claim)
        time.sleep(QUICK.look)


def do_item(folder: Path, item: str, claim: Claim) -> None:
    """Do an item, as training and measuring do a run."""
    note(folder, "begun", item)
    with alone(folder, item), claim.staged(folder / item) as stage, replace_file(folder / item, stage) as partial:
        partial.write_text("half of it")
        time.sleep(random.random() * 0.01)
        partial.write_text(f"{item} is done")


def faults_of_items(folder: Path, killed: int) -> list[str]:
    """What is wrong with the items."""
    found = noted(folder, "faults")
    for i in range(ITEMS):
        item = folder / f"item{i}"
        if not item.is_file() or item.read_text() != f"{item.name} is done":
            found.append(f"{item.name} is lost")
    return found + begun_twice(folder, killed) + left_over(folder)


def begun_twice(folder: Path, killed: int) -> list[str]:
    """What was begun again without need: each process that was killed may cost one beginning."""
    again = sum(Counter(noted(folder, "begun")).values()) - len(set(noted(folder, "begun")))
    return [f"{again} things were begun again for {killed} dead processes"] if again > killed else []


def left_over(folder: Path) -> list[str]:
    """What dead processes left, and the next ones would not remove."""
    for place in {path.parent for path in folder.rglob(".*")}:
        remove_strays(place)
        for claim in place.glob(".*.claim"):
            with claimed(place / claim.name[1:].removesuffix(".claim"), timing=QUICK):
                pass
    return [f"{path.name} is left over" for path in folder.rglob(".*")]


# Caches.


def share_caches(folder: Path) -> None:
    """Make or read a few tensors."""
    for i in random.sample(range(ITEMS), ITEMS):

        def build(i: int = i) -> tuple[dict[str, torch.Tensor], dict[str, float]]:
            note(folder, "begun", f"cache{i}")
            with alone(folder, f"cache{i}"):
                time.sleep(random.random() * 0.01)
                return {"w": torch.arange(100.0) + i}, {}

        state, _ = load_or_make(folder / "caches" / f"cache{i}.safetensors", build)
        if state["w"][0] != i:
            note(folder, "faults", f"cache{i} holds something else")


def faults_of_caches(folder: Path, killed: int) -> list[str]:
    """What is wrong with the caches."""
    there = [read_state(folder / "caches" / f"cache{i}.safetensors") for i in range(ITEMS)]
    lost = [f"cache{i} is lost" for i, state in enumerate(there) if state is None]
    return noted(folder, "faults") + lost + begun_twice(folder, killed) + left_over(folder)


# Measurements that are added to one run.


def copy_one(folder: Path) -> None:
    """A real run."""
    shutil.copytree(trained_one(), folder / "run")


@cache
def trained_one() -> Path:
    """A run that was trained for a few steps."""
    run, data, folder = small_run(GAN(), steps=2), blobs(), Path(tempfile.mkdtemp(prefix="race-"))
    trained, stored = train(run, data, torch.device("cpu")), RunFolder(folder / "run")
    with stored.claim() as claim:
        weights = flat_weights(trained.state.evaluated_modules())
        stored.training.write(claim, run_record(run, data, trained, "cpu"), trained.history, weights)
    return stored.path


def measurement(samples: int) -> MeasurementRecord:
    """One of several of the same metric."""
    return {
        "label": "reconstruction", "metric": {"name": "reconstruction"}, "samples": samples, "draws": 1,
        "sampler": "prior", "code": {},
        "weights": {}, "rows": [], "problem": "", "exhibits": ["sheet"],
    }  # fmt: skip


def add_measurements(folder: Path) -> None:
    """Add measurements with arrays, while others do."""
    stored = RunFolder(folder / "run")
    for samples in random.sample(range(2, 2 + ITEMS), ITEMS):
        while not isinstance(claim := stored.try_claim(), Claim):
            time.sleep(QUICK.look)
        with claim, alone(folder, "run"):
            sheet = ImageSheet(torch.full((2, 4, 4, 3), samples, dtype=torch.uint8).numpy(), title="a sheet")
            stored.measurements.add(claim, [(measurement(samples), {"sheet": sheet})], None)
        for exhibits in stored.measurements.exhibits().values():  # readers never wait, and see whole arrays
            assert sheet_in(exhibits).images_NHWC.shape == (2, 4, 4, 3)


def sheet_in(exhibits: Exhibits) -> ImageSheet:
    """The one exhibit of a measurement."""
    sheet = exhibits["sheet"]
    assert isinstance(sheet, ImageSheet)
    return sheet


def faults_of_measurements(folder: Path, killed: int) -> list[str]:
    """What is wrong with the run that all added to."""
    stored = RunFolder(folder / "run")
    known = sorted(each["samples"] for each in stored.measurements.by_key().values())
    levels = sorted(int(sheet_in(shown).images_NHWC[0, 0, 0, 0]) for shown in stored.measurements.exhibits().values())
    lost = [] if known == levels == list(range(2, 2 + ITEMS)) else [f"measurements {known} with arrays {levels}"]
    arrays = [path.name for path in stored.path.glob("*.npz")]
    with stored.claim():
        pass
    more = [f"arrays are left over: {arrays}"] if len(arrays) != 1 else []
    return noted(folder, "faults") + lost + more + left_over(folder)


# Real studies, with their tables.


class Journal:
    """Notes which runs begin to train."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @hookimpl
    def run_started(self, run: str, steps: int) -> None:
        """Note a run that is not only measured."""
        if steps:
            note(self.folder, "begun", run)


def execution_in(folder: Path) -> Execution:
    """The small study, in this process."""
    registry = Registry()
    registry.manager.register(Journal(folder), "journal")
    return Execution(plan(), registry, StudyFolder(folder / "study"), CACHE)


@cache
def plan() -> Plan:
    """The plan of the small study, made before processes fork."""
    return make_plan(load_study("smoke").with_values(STUDY, "the race"), Registry())


def run_study(folder: Path) -> None:
    """Run a study that others run, too, and write its tables."""
    execution = execution_in(folder)
    execution.run()
    for run, reason in execution.failures.items():
        note(folder, "faults", f"{run} failed: {reason}")
    if len(execution.work.with_results()) != len(execution.plan.runs):
        note(folder, "faults", "a process ended before all runs were finished")
    write_tables(execution.folder)


def faults_of_studies(folder: Path, killed: int) -> list[str]:
    """What is wrong with the study."""
    execution = execution_in(folder)
    lost = [f"{run.id} is lost" for run in execution.work.left()]
    shown = {line.split(",")[1] for line in (folder / "study" / "results.csv").read_text().splitlines()[1:]}
    lost += [f"{run.id} is in no table" for run in execution.plan.runs if run.id not in shown]
    execution.folder.create()
    return noted(folder, "faults") + lost + begun_twice(folder, killed) + left_over(folder)


RACES = (
    Race("claims", 0.68, work_on_items, faults_of_items, 0.08),
    Race("caches", 0.25, share_caches, faults_of_caches, 0.08),
    Race("measurements", 0.05, add_measurements, faults_of_measurements, 0.15, copy_one),
    Race("studies", 0.02, run_study, faults_of_studies, 1.5, lambda folder: [*plan().runs]),
)
CACHE = Path(tempfile.gettempdir()) / f"races-cache-{os.getuid()}"


def start(race: Race, folder: Path) -> int:
    """A process that takes part; its number."""
    sys.stdout.flush()
    if pid := os.fork():
        return pid
    code = 1
    try:
        random.seed()
        race.run(folder)
        code = 0
    except BaseException:
        note(folder, "faults", traceback.format_exc().replace("\n", " | "))
    finally:
        os._exit(code)


def hold(race: Race, processes: int, *, is_deadly: bool, folder: Path) -> tuple[list[str], int]:
    """Hold one race; what was wrong, and how many processes were killed."""
    race.prepare(folder)
    crew = [start(race, folder) for _ in range(processes)]
    killed = 0
    if is_deadly:
        time.sleep(random.random() * race.longest)
        victim = crew.pop(random.randrange(len(crew)))
        os.kill(victim, signal.SIGKILL)
        _, status = os.waitpid(victim, 0)
        killed = int(os.WIFSIGNALED(status))
        crew.append(start(race, folder))
    for pid in crew:
        os.waitpid(pid, 0)
    return race.faults(folder, killed), killed


def hold_all(races: int, processes: list[int], seed: int) -> dict[str, list[str]]:
    """Hold races of all kinds; print a line for each kind, and return what was wrong."""
    random.seed(seed)
    torch.set_num_threads(1)
    agenda.PATIENCE = serial.LOOK = worker_pool.LOOK = 0.05
    found = dict[str, list[str]]()
    for race in RACES:
        began, killed, faults = time.monotonic(), 0, list[str]()
        count = max(1, round(races * race.share))
        for number in range(count):
            folder = Path(tempfile.mkdtemp(prefix="race-"))
            wrong, dead = hold(race, processes[number % len(processes)], is_deadly=number % 4 in (1, 2), folder=folder)
            faults += wrong
            killed += dead
            shutil.rmtree(folder)
        seconds = time.monotonic() - began
        print(f"{race.name}: {count} races, {killed} processes killed, {len(faults)} faults, {seconds:.0f} s")
        for fault in faults[:5]:
            print(f"    {fault}")
        found[race.name] = faults
    return found


def main() -> None:
    """Hold the races that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--races", type=int, default=1000)
    parser.add_argument("--processes", type=int, nargs="+", default=[2, 4])
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    found = hold_all(given.races, given.processes, given.seed)
    total = sum(map(len, found.values()))
    print(f"lost or done twice: {total}")
    raise SystemExit(int(total > 0))


if __name__ == "__main__":
    main()
