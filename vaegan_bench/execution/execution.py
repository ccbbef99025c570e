"""Execute a plan: train and measure every run that is not finished, and keep what is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from vaegan_bench.api import BenchError, Progress, silent
from vaegan_bench.evaluation.shared import SharedShelf, open_extractors
from vaegan_bench.execution.agenda import Agenda
from vaegan_bench.execution.runner import Outcome, Runner
from vaegan_bench.execution.waiting import Waiting
from vaegan_bench.execution.worker import Order
from vaegan_bench.execution.worker_count import worker_count
from vaegan_bench.execution.workers import Workers
from vaegan_bench.execution.workload import Workload
from vaegan_bench.registry.lifecycle import Lifecycle
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.results.records import PlannedEvaluation, PlannedMetric, StudyRecord
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.plan import Plan
from vaegan_bench.study.run import Run
from vaegan_bench.system.device import choose_device, thread_count
from vaegan_bench.system.disk_space import REPEAT, in_words
from vaegan_bench.system.errors import IncompleteError, reason_of

Engine = Callable[[Sequence[Run], Callable[[Outcome], None]], None]
"""Runs each run, calls its hooks, and reports how it ended before the next begins in its place."""


class Execution:
    """One plan, run in this process or in several."""

    def __init__(
        self,
        plan: Plan,
        registry: Registry,
        folder: StudyFolder,
        cache: Path,
        progress: Progress = silent,
        workers: int | None = 1,
    ) -> None:
        """`workers` is how many runs may go on side by side; None for as many as this machine has cores for."""
        self.plan, self.registry, self.folder, self.progress = plan, registry, folder, progress
        self.asked = workers
        self.lifecycle = Lifecycle(registry.manager)
        self.work = Workload(plan, folder, cache, progress)
        self.shared = SharedShelf(cache, choose_device(plan.study.device), progress)
        self.failures: dict[str, str] = {}
        """Runs that raised an error, with its words; the study goes on without them."""
        self.weights: dict[str, dict[str, str]] = {}
        """Digest of the data → extractor → a hash of the weights that runs were measured with by this execution."""

    def run(self) -> None:
        """Train and measure what is not finished; each finished run is on disk before the next begins.

        Other processes may run the same plan meanwhile: each run is done by one of them, and all end when all runs are
        over. Raises `StoreError` where results cannot be written, `DataError` where a data set cannot be loaded, and
        `ExtractorError` where the weights of an extractor are missing or wrong: all before anything trains. Raises
        `IncompleteError` where the disk is full meanwhile.
        """
        with thread_count(self.plan.study.threads):
            if unfinished := self.work.unfinished():
                open_extractors(self.plan.metrics, self.shared.of(next(iter(unfinished.values()))))
            self.work.check_space(unfinished)
            self.work.began = self.folder.create()
            self.folder.write_study(self._record())
            self._run_all()

    def workers_for(self, runs: int) -> int:
        """How many processes work on so many runs; 1 is this process alone."""
        return worker_count(self.asked, runs, self.plan.study.threads, self.shared.device.type)

    def missing(self) -> list[str]:
        """The runs that failed, each with its reason."""
        return [f"{run}: {reason}" for run, reason in self.failures.items()]

    def _record(self) -> StudyRecord:
        settings = self.work.settings
        metrics = tuple(PlannedMetric(label=str(m), metric=settings.definition_of(m)) for m in settings.metrics)
        evaluation = PlannedEvaluation(metrics=metrics, samples=settings.samples, draws=settings.draws)
        return StudyRecord(study=self.plan.study, runs=tuple(run.id for run in self.plan.runs), evaluation=evaluation)

    def _run_all(self) -> None:
        left, name = self.work.left(), self.plan.study.name
        ids, images = [run.id for run in left], [self.work.images_left(run) for run in left]
        try:
            self.lifecycle.call("study_started", name=name, folder=self.folder.path, runs=ids, images=images)
            self._engine(left)(left, self._note)
            others = self._measured_with_other_weights()
            self._engine(others)(others, self._note)
        finally:
            self.lifecycle.call("study_ended", name=name)

    def _engine(self, runs: Sequence[Run]) -> Engine:
        """What runs them: this process one after the other, or several processes."""
        count = self.workers_for(len(runs))
        if count == 1:
            return self._run_one_by_one
        order = Order(self.plan.study, self.registry.sources, self.folder.path, self.work.shelf.cache, self.work.began)
        return Workers(self.plan, order, count, self.lifecycle.call, self.progress)

    def _run_one_by_one(self, runs: Sequence[Run], note: Callable[[Outcome], None]) -> None:
        runner, agenda = Runner(self.work, self.shared, self.lifecycle.call), Agenda(runs, self.plan.lenders)
        by_id, waiting = {run.id: run for run in runs}, Waiting(self.lifecycle.call)
        while not agenda.is_done:
            if (task := agenda.begin()) is None:
                waiting.wait(agenda)
                continue
            outcome = self._attempt(runner, by_id[task.run])
            if outcome.holder:
                agenda.pass_over(task, outcome.holder)
            else:
                agenda.finish(task)
                note(outcome)

    def _attempt(self, runner: Runner, run: Run) -> Outcome:
        status = "interrupted"
        try:
            outcome = runner.attempt(run)
            status = outcome.status
        finally:
            if status:
                self.lifecycle.call("run_ended", run=run.id, status=status)
        return outcome

    def _note(self, outcome: Outcome) -> None:
        """Keep what is to be known of a run. Raises `IncompleteError` where a full disk would fail the others, too."""
        for digest, weights in outcome.weights.items():
            self.weights.setdefault(digest, {}).update(weights)
        if outcome.failure:
            self.failures[outcome.run] = outcome.failure
        if outcome.disk_is_full:
            raise IncompleteError([*self.missing(), self._where_it_stops()])

    def _measured_with_other_weights(self) -> list[Run]:
        """Finished runs whose features are not those of this machine: another one trained another oracle.

        A run whose data cannot be loaded here is noted as a failure.
        """
        return [run for run in self.plan.runs if run.id not in self.failures and self._has_other_weights(run)]

    def _has_other_weights(self, run: Run) -> bool:
        try:
            known = self.weights.get(self.work.shelf.get(run).digest, {})
            return self.work.settings.have_other_weights(self.work.folder_of(run), known)
        except BenchError as error:
            self.failures[run.id] = reason_of(error)
            return False

    def _where_it_stops(self) -> str:
        kept, runs = len(self.work.finished()), len(self.plan.runs)
        return (
            f"The study stops here: {kept} of {runs} runs are finished and kept in {self.folder.path}, the others can "
            f"take up to {in_words(self.work.needed_space())}. {REPEAT}"
        )
