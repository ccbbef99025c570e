"""The tasks of a study, which can be done in any process: a process rebuilds the plan once for all its tasks."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, TypeVar

from vaegan_bench.api import Send
from vaegan_bench.api.engines import discard
from vaegan_bench.evaluation.calibration import calibrated_extractors
from vaegan_bench.evaluation.references import LoadedReferences
from vaegan_bench.execution.held_runs import HeldRuns
from vaegan_bench.execution.relay import Sender
from vaegan_bench.execution.runner import Outcome, Runner
from vaegan_bench.execution.study_extractors import learned_extractors, ruler_of
from vaegan_bench.execution.transfer import (
    Files,
    TransferredRun,
    collect_files,
    files_of,
    study_folder_with,
)
from vaegan_bench.execution.worker_setup import WorkerSetup, rebuild_plan
from vaegan_bench.execution.workload import Workload
from vaegan_bench.results.rulers import Ruler
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.run import Run
from vaegan_bench.system.claim_folder import Holder
from vaegan_bench.system.device import choose_device, thread_count
from vaegan_bench.system.errors import FAILURES, RefusedError, reason_of
from vaegan_bench.system.paths import default_cache
from vaegan_bench.system.processes import this_process

Elsewhere = Callable[[str], RunFolder | None]
"""Id of a run → its folder in another study of the results folder, or None."""


@dataclass(frozen=True)
class RunTask:
    """Train and measure one run."""

    run: str
    after: frozenset[str]
    """The runs whose networks it borrows."""
    setup: WorkerSetup
    files: Mapping[str, Files] | None = None
    """The files of those runs, and of its own if it was trained before, in this study or another one of the results
    folder, for a process that shares no folder with us."""
    holder: Holder | None = None
    """Another process that works on the run, which is not done then."""

    @property
    def name(self) -> str:
        """The task's name, which is the run's id."""
        return self.run

    def portable(self, held: HeldRuns, elsewhere: Elsewhere) -> RunTask:
        """The same task for a process that shares no folder with this one; its result holds all files of the run."""
        if holder := held.hold(self.run):  # first, so that the files are those of its last owner
            return replace(self, setup=self.setup.without_shared_folder, holder=holder)
        files = {run: _readable_files(held.folder.run(run)) for run in sorted({self.run, *self.after})}
        if not files[self.run] and (other := elsewhere(self.run)):
            files[self.run] = _readable_files(other)
        return replace(self, setup=self.setup.without_shared_folder, files=files)

    def do(self, runner: Runner, run: Run) -> Outcome:
        """Train and measure the run, with a runner of this process."""
        return runner.attempt(run)

    def __call__(self, send: Send = discard) -> Outcome | TransferredRun:
        """Train and measure the run, in a process that may not have loaded the plan; raises as `Task` says."""
        if self.holder:
            return Outcome.held(self.run, self.holder)
        if self.files is None:
            return _do(self.do, self.setup, self.run, send)
        folder = study_folder_with(self.setup.folder.name, self.files)
        outcome = _do(self.do, self.setup, self.run, send)
        return collect_files(folder.run(self.run), outcome, self.files[self.run])


def _readable_files(folder: RunFolder) -> Files:
    """The files of a run; {} where they cannot be read, or change meanwhile: the task then does without them."""
    with suppress(OSError):
        return files_of(folder)
    return {}


@dataclass(frozen=True)
class PrepareTask:
    """Train the extractors that learn from the data of a run, once and early, so that no run has to wait for them."""

    run: str
    setup: WorkerSetup
    after: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The task's name, which differs from the run's."""
        return f"extractors for {self.run}"

    def portable(self, held: HeldRuns, elsewhere: Elsewhere) -> PrepareTask:
        """The same task for a process that shares no folder with this one; only that process gets the extractors."""
        return replace(self, setup=self.setup.without_shared_folder)

    def do(self, runner: Runner, run: Run) -> None:
        """Train the extractors, with a runner of this process."""
        with suppress(*FAILURES):  # the runs that need it fail in the same way, and say why
            references = runner.references_of(run)
            for extractor in learned_extractors(runner.plan.metrics):
                references.network(extractor)

    def __call__(self, send: Send = discard) -> None:
        """Train the extractors, in a process that may not have loaded the plan; raises as `Task` says."""
        _do(self.do, self.setup, self.run, send)


@dataclass(frozen=True)
class Calibrated:
    """The ruler of an extractor, or the reason why there is none."""

    ruler: Ruler | None
    problem: str = ""


@dataclass(frozen=True)
class CalibrateTask:
    """Calibrate an extractor on the data of a run; no run waits for it."""

    run: str
    extractor: str
    """Its selector."""
    setup: WorkerSetup
    after: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The task's name, which differs from the run's."""
        return f"ruler of {self.extractor} for {self.run}"

    def portable(self, held: HeldRuns, elsewhere: Elsewhere) -> CalibrateTask:
        """The same task for a process that shares no folder with this one; its result holds the ruler."""
        return replace(self, setup=self.setup.without_shared_folder)

    def do(self, runner: Runner, run: Run) -> Calibrated:
        """Calibrate the extractor, with a runner of this process."""
        try:
            extractor, samples = calibrated_extractors(runner.plan.metrics)[self.extractor], runner.plan.study.samples
            return Calibrated(ruler_of(run, extractor, samples, runner.references_of(run)))
        except FAILURES as error:
            return Calibrated(None, reason_of(error))

    def __call__(self, send: Send = discard) -> Calibrated:
        """Calibrate the extractor, in a process that may not have loaded the plan; raises as `Task` says."""
        return _do(self.do, self.setup, self.run, send)


class _Opened(NamedTuple):
    """What a process has loaded for the tasks of one study: the plan, data and extractors."""

    runner: Runner
    runs: Mapping[str, Run]
    """The runs of the plan, by id."""
    sender: Sender


R = TypeVar("R")


def _do(do: Callable[[Runner, Run], R], setup: WorkerSetup, run: str, send: Send) -> R:
    """Do a task with what this process has opened. Raises `RefusedError` where the study cannot be opened here."""
    try:
        if not setup.folder.is_absolute():  # one folder for all tasks of a process, or each would load everything anew
            setup = replace(setup, folder=study_folder_with(setup.folder.name, {}).path)
        opened = _open(setup)
    except FAILURES as error:
        raise RefusedError(f"{this_process()}: {reason_of(error)}") from error
    with thread_count(opened.runner.plan.study.threads), opened.sender.of_task(send, run):
        return do(opened.runner, opened.runs[run])


@lru_cache(maxsize=1)
def _open(setup: WorkerSetup) -> _Opened:
    """Rebuild the plan, without the warnings and output that the process of the command has shown already."""
    with _silence():
        plan = rebuild_plan(setup)
    sender, cache = Sender(), setup.cache or default_cache()
    work = Workload(plan, StudyFolder(setup.folder), cache, sender.progress)
    work.began, work.side_by_side = setup.began, setup.side_by_side
    references = LoadedReferences(cache, choose_device(plan.study.device), sender.progress)
    runner = Runner(work, references, sender.call, setup.checkpoint, is_patient=True, must_stop=sender.must_stop)
    return _Opened(runner, {run.id: run for run in plan.runs}, sender)


@contextmanager
def _silence() -> Iterator[None]:
    with ExitStack() as held:
        nowhere = held.enter_context(Path(os.devnull).open("w"))
        held.enter_context(warnings.catch_warnings(action="ignore"))
        held.enter_context(redirect_stdout(nowhere))
        held.enter_context(redirect_stderr(nowhere))
        yield
