"""How much of their time the workers of an engine are at work, with tasks that only sleep.

Run: python benchmarks/engines.py [--workers 1 2 4 8 16] [--seconds 1] [--tasks 20] [--engines processes dask]

Counted is the time from when the last worker has begun its first task to when the first one has ended its last: start
and end of a study are counted apart. The rest of it is what it takes to hand out tasks, and to receive messages and
results.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import defaultdict
from dataclasses import dataclass, field

import torch

from vaegan_bench.api import Engine, Message, Send, Task
from vaegan_bench.api.engines import discard
from vaegan_bench.execution.engines.dask import Dask
from vaegan_bench.execution.engines.processes import Processes
from vaegan_bench.system.device import describe

ENGINES = {"processes": Processes, "dask": Dask}


@dataclass(frozen=True)
class Slept:
    """When a task began and ended, and in which process."""

    process: int
    begin: float
    end: float


@dataclass(frozen=True)
class Sleep:
    """A task that sleeps, and says now and then that it does."""

    name: str
    seconds: float
    after: frozenset[str] = frozenset()

    def __call__(self, send: Send = discard) -> Slept:
        """Sleep."""
        begin = time.time()
        while (left := begin + self.seconds - time.time()) > 0:
            time.sleep(min(left, 0.05))
            send({"hook": "step_ended", "what": {"run": self.name}})
        return Slept(os.getpid(), begin, time.time())


@dataclass
class Sleeping:
    """So many of them."""

    tasks: list[Sleep]
    slept: list[Slept] = field(default_factory=list)
    threads: int = 1
    device: str = "cpu"
    memory: int = 0

    @property
    def runs(self) -> int:
        """All of them."""
        return len(self.tasks)

    def here(self, task: Task) -> object:
        """Sleep in this process."""
        return task(self.receive)

    def portable(self, task: Task) -> Task:
        """The same: it needs nothing."""
        return task

    def receive(self, message: Message) -> None:
        """Nothing is done with it."""

    def progress(self, description: str, done: int, total: int) -> None:
        """Nor with this."""

    def end(self, task: Task, result: Slept) -> bool:
        """Note when it slept."""
        self.slept.append(result)
        return True

    def repeat(self, task: Task, reason: str) -> None:
        """Say that a process died, which spoils the measurement."""
        raise RuntimeError(reason)

    give_up = repeat


def efficiency(slept: list[Slept], workers: int) -> float:
    """The share of the workers' time in which they slept, while all of them had tasks."""
    by_process = defaultdict(list)
    for each in slept:
        by_process[each.process].append(each)
    if len(by_process) < workers:
        raise RuntimeError(f"only {len(by_process)} of {workers} workers were given a task: choose more --tasks")
    begin = max(min(each.begin for each in mine) for mine in by_process.values())
    end = min(max(each.end for each in mine) for mine in by_process.values())
    at_work = sum(max(0.0, min(each.end, end) - max(each.begin, begin)) for each in slept)
    return at_work / (workers * (end - begin))


def main() -> None:
    """Print the efficiency of each engine with each number of workers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    parser.add_argument("--seconds", type=float, default=1.0, help="how long each task sleeps")
    parser.add_argument("--tasks", type=int, default=20, help="tasks per worker")
    parser.add_argument("--engines", choices=sorted(ENGINES), nargs="+", default=list(ENGINES))
    given = parser.parse_args()
    print(
        f"{describe(torch.device('cpu'))}, {os.cpu_count()} cores; {given.tasks} tasks of {given.seconds} s per worker"
    )
    for name in given.engines:
        for workers in given.workers:
            engine: Engine = ENGINES[name](workers=workers)
            work = Sleeping([Sleep(f"task {i}", given.seconds) for i in range(given.tasks * workers)])
            began = time.time()
            engine.run(work)
            start = max(0.0, min(each.begin for each in work.slept) - began)
            print(
                f"{name:10} {workers:3} workers: {efficiency(work.slept, workers):.3f}, start {start:.1f} s", flush=True
            )


if __name__ == "__main__":
    main()
