"""Whether a study that is killed again and again ends with the same bits as one that is left alone.

Run: python benchmarks/kills.py [--kills 1000] [--minutes 60] [--seed 0] [--models vae,vaegan] [--steps 24]

A small study of all registered models, with a checkpoint after every step, is started by the command line, killed by
SIGKILL at a random moment, and started again, until it ends. Then its weights, histories and numbers are compared with
those of the same study without kills, and it begins anew, until there were as many kills as asked for. Only POSIX:
each command is a fork of this process, which has imported everything and has one thread.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import torch

from vaegan_bench.api import Model
from vaegan_bench.cli import main as command_line
from vaegan_bench.execution import execution, run_study
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.report import figures
from vaegan_bench.results.checkpoints import CHECKPOINT
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.results.stored_files import RUN
from vaegan_bench.results.study_folder import STUDY, StudyFolder
from vaegan_bench.results.trained_files import HISTORY, WEIGHTS
from vaegan_bench.study.plan import make_plan
from vaegan_bench.study.study_file import load_study

PRELOADED = (execution, run_study, figures)
NETWORKS = "compact[latent=6,width=4,decoder_width=4]"
PHASES = ("starting", "training", "writing a checkpoint", "writing a trained run", "measuring", "writing tables")
SHARE = 0.2
"""A command lives at most this share of the time until the last run is measured."""
AT_END = 2
"""Kills of a study whose runs are all measured: writing tables takes most of the time, and has no other state."""


@dataclass
class Tally:
    """What was counted."""

    kills: Counter[str] = field(default_factory=Counter)
    """Phase → kills in it."""
    studies: int = 0
    runs: int = 0
    differing: list[str] = field(default_factory=list)
    """Runs that ended with other bits, and what differed."""
    failed: list[str] = field(default_factory=list)
    """Commands that ended by themselves and badly."""

    def lines(self) -> Iterator[str]:
        """The result."""
        yield f"{self.kills.total()} kills: " + ", ".join(f"{self.kills[phase]} {phase}" for phase in PHASES)
        yield f"{self.studies} studies of {self.runs} runs ended; {len(self.differing)} runs differed"
        yield from (f"FAILED: {line}" for line in self.failed)


@dataclass(frozen=True)
class Experiment:
    """One study, in a folder of its own."""

    folder: Path
    cache: Path
    models: str
    steps: int

    @property
    def study(self) -> StudyFolder:
        """Where its results are."""
        return StudyFolder(self.folder / "smoke")

    @property
    def arguments(self) -> list[str]:
        """Of the command line."""
        plain = {"--models": self.models, "--steps": self.steps, "--networks": NETWORKS, "--ema": 0.9}
        measured = {"--metrics": "reconstruction", "--samples": 32, "--checkpoint": 0, "--workers": 1}
        places = {"--results": self.folder, "--cache-dir": self.cache}
        options = {**plain, **measured, **places}
        return ["vaegan-bench", "run", "smoke", *(str(part) for pair in options.items() for part in pair)]

    def start(self) -> int:
        """Start the command in a fork; its process."""
        process = os.fork()
        if process:
            return process
        self.folder.mkdir(parents=True, exist_ok=True)
        said = os.open(self.folder / "said.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(said, 1)
        os.dup2(said, 2)
        sys.argv = self.arguments
        code = 70
        try:
            command_line()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 71
        finally:
            os._exit(code)

    def phase(self, since: float) -> str:
        """What the command was doing that was begun at a time and then killed, from what it left."""
        if not (self.study.path / STUDY).is_file():
            return "starting"
        staged = {path.name for path in self.study.path.glob(".*.claim/*/*") if path.stat().st_mtime >= since}
        if CHECKPOINT in staged:
            return "writing a checkpoint"
        runs = self.study.study().runs
        if not staged.isdisjoint(runs):
            return "writing a trained run"
        folders = [self.study.run(name).path for name in runs]
        if all((folder / "metrics.json").is_file() for folder in folders):
            return "writing tables"
        begun = [folder for folder in folders if folder.is_dir() and not (folder / "metrics.json").is_file()]
        return "measuring" if any((folder / RUN).is_file() for folder in begun) else "training"

    def results(self) -> dict[str, dict[str, Any]]:
        """Run → what must not differ."""
        return {run.path.name: results_of(run) for run in self.study.runs()}


def results_of(run: RunFolder) -> dict[str, Any]:
    """The weights and the history as bytes, and every number that was measured."""
    rows = [row for row in run.rows() if row["family"] != "training"]
    files = {name: (run.path / name).read_bytes() for name in (WEIGHTS, HISTORY)}
    return {**files, "rows": repr(rows), "status": run.record().status, "checkpoints": run.checkpoints.step()}


def ended(process: int, seconds: float) -> int | None:
    """The exit code of a process that ends in time; None for one that was killed then."""
    watched = os.pidfd_open(process) if hasattr(os, "pidfd_open") else None
    if watched is None:
        time.sleep(seconds)
    else:
        import select

        select.select([watched], [], [], seconds)
        os.close(watched)
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    return None if code == -signal.SIGKILL else code


@dataclass(frozen=True)
class Torment:
    """How often a study is killed, and when."""

    kills: int
    end: float
    """When to stop, as `time.perf_counter` counts."""
    longest: float
    """Seconds that a command may live."""
    chance: random.Random

    def is_over(self, tally: Tally) -> bool:
        """Whether there were enough kills, or there is no time for more."""
        return tally.kills.total() >= self.kills or time.perf_counter() > self.end

    def __call__(self, experiment: Experiment, whole: dict[str, dict[str, Any]], tally: Tally) -> None:
        """Kill the study's command until it ends by itself, and compare what it leaves."""
        code, at_end = None, 0
        while code is None:
            is_spared = self.is_over(tally) or at_end >= AT_END
            begun = time.time()
            code = ended(experiment.start(), 600 if is_spared else self.chance.uniform(0, self.longest))
            if code is None:
                tally.kills[phase := experiment.phase(begun)] += 1
                at_end += phase == PHASES[-1]
        if code:
            tally.failed.append(f"exit code {code}: {(experiment.folder / 'said.txt').read_text()[-500:]}")
        else:
            compare(experiment.results(), whole, tally)


def compare(found: dict[str, dict[str, Any]], whole: dict[str, dict[str, Any]], tally: Tally) -> None:
    """Count the runs that ended, and those with other bits."""
    tally.studies += 1
    tally.runs += len(found)
    for name in whole:
        differing = [what for what, value in whole[name].items() if found.get(name, {}).get(what) != value]
        if differing:
            tally.differing.append(f"{name}: {', '.join(differing)}")
            print(f"DIFFERS: {tally.differing[-1]}", flush=True)


def in_peace(experiment: Experiment) -> float:
    """Run a study without kills; the seconds from its first step until its last run was measured."""
    if ended(experiment.start(), 600) != 0:
        raise SystemExit((experiment.folder / "said.txt").read_text())
    begun = (experiment.study.path / STUDY).stat().st_mtime  # written when the data were there
    return max(path.stat().st_mtime for path in experiment.folder.rglob("metrics.json")) - begun


def under_fire(kills: int, minutes: float, seed: int, alone: Experiment, killed: Experiment) -> Tally:
    """Run the study once in peace, then again and again under fire."""
    tally, seconds, started = Tally(), in_peace(alone), time.perf_counter()
    whole = alone.results()
    print(f"{len(whole)} runs of {alone.steps} steps are trained and measured in {seconds:.1f} s", flush=True)
    torment = Torment(kills, started + 60 * minutes, SHARE * seconds, random.Random(seed))
    while not torment.is_over(tally) and not tally.failed:
        shutil.rmtree(killed.folder, ignore_errors=True)
        torment(killed, whole, tally)
        passed = f"{time.perf_counter() - started:5.0f} s"
        print(f"{passed}  {next(tally.lines())}; {len(tally.differing)} of {tally.runs} runs differed", flush=True)
    return tally


def preload(models: str) -> None:
    """Do once what every command does again: find plugins, hash their code."""
    torch.set_num_threads(1)
    chosen = [name.strip() for name in models.split(",")]
    make_plan(load_study("smoke").with_values({"models": chosen}, "the benchmark"), Registry())


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what was found; 1 where anything differed or failed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=60, help="the time after which no study is begun or killed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--models", default=",".join(Registry().of_kind(Model.kind)))
    parser.add_argument("--steps", type=int, default=24)
    given = parser.parse_args(arguments)
    preload(given.models)
    with tempfile.TemporaryDirectory() as place:
        alone, killed = (Experiment(Path(place) / name, Path(place) / "cache", given.models, given.steps)
                         for name in ("alone", "killed"))  # fmt: skip
        tally = under_fire(given.kills, given.minutes, given.seed, alone, killed)
    print("\n".join(tally.lines()))
    return bool(tally.differing or tally.failed)


if __name__ == "__main__":
    sys.exit(main())
