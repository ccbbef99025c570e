"""Execute a plan: train and measure every run that is not finished, and keep what is done."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from vaegan_bench.api import BenchError, Data, Progress, silent
from vaegan_bench.evaluation.settings import EvaluationSettings
from vaegan_bench.evaluation.shared import Shared, SharedShelf, open_extractors
from vaegan_bench.execution.measured_run import measure_run
from vaegan_bench.execution.stored_run import weights_of
from vaegan_bench.execution.trained_run import train_run
from vaegan_bench.execution.workload import Workload
from vaegan_bench.registry.lifecycle import Lifecycle
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.results.records import PlannedEvaluation, PlannedMetric, StudyRecord
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.plan import Plan
from vaegan_bench.study.run import Run
from vaegan_bench.system.device import choose_device, thread_count
from vaegan_bench.system.disk_space import REPEAT, in_words, shortage_in
from vaegan_bench.system.errors import FAILURES, IncompleteError, StoreError, reason_of
from vaegan_bench.system.status import OK
from vaegan_bench.training.loop import Listener


class Execution:
    """One plan, run in this process."""

    def __init__(
        self, plan: Plan, registry: Registry, folder: StudyFolder, cache: Path, progress: Progress = silent
    ) -> None:
        self.plan, self.folder, self.progress = plan, folder, progress
        self.lifecycle = Lifecycle(registry.manager)
        self.device = choose_device(plan.study.device)
        self.work = Workload(plan, folder, cache, progress)
        self.shared = SharedShelf(cache, self.device, progress)
        self.failures: dict[str, str] = {}
        """Runs that raised an error, with its words; the study goes on without them."""

    def run(self) -> None:
        """Train and measure what is not finished; each finished run is on disk before the next begins.

        Raises `StoreError` where results cannot be written, or where another process is writing them, `DataError` where
        a data set cannot be loaded, and `ExtractorError` where the weights of an extractor are missing or wrong: all
        before anything trains. Raises `IncompleteError` where the disk is full meanwhile.
        """
        with thread_count(self.plan.study.threads):
            if unfinished := self.work.unfinished():
                open_extractors(self.plan.metrics, self.shared.of(next(iter(unfinished.values()))))
            self.work.check_space(unfinished)
            self.folder.create()
            with self.folder.locked():
                self.folder.write_study(self._record())
                self._run_all()

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
            for run in left:
                self._try(run)
            for run in self._measured_with_other_weights():
                self._try(run)
        finally:
            self.lifecycle.call("study_ended", name=name)

    def _try(self, run: Run) -> None:
        """Train and measure a run; what fails is noted.

        Raises `IncompleteError` where a full disk would fail the other runs as well.
        """
        status = "interrupted"
        try:
            status = self._run(run)
        except FAILURES as error:  # one run must not cost the others
            self.failures[run.id] = reason_of(error)
            status = f"failed: {self.failures[run.id]}"
            if isinstance(error, StoreError) and shortage_in(error):
                raise IncompleteError([*self.missing(), self._where_it_stops()]) from error
        finally:
            self.lifecycle.call("run_ended", run=run.id, status=status)

    def _run(self, run: Run) -> str:
        """Train where that is not done, and measure; return how the run ended."""
        folder, data = self.work.folder_of(run), self.work.shelf.get(run)
        trained = self.work.is_trained_on_its_data(run)
        steps = 0 if trained else run.steps
        self.lifecycle.call("run_started", run=run.id, label=run.label, steps=steps, batch=run.batch)
        if not trained:
            train_run(run, data, self.device, folder, self._listener(run), self._borrow(run))
        record = folder.record()
        if record.is_ok:
            self._measure(run, data)
        return record.status

    def _measure(self, run: Run, data: Data) -> None:
        folder, shared = self.work.folder_of(run), self.shared.of(data)
        rows = measure_run(run, folder, shared, self._missing_on(run, shared), wait=True)
        self.lifecycle.call("run_evaluated", run=run.id, rows=rows)

    def _listener(self, run: Run) -> Listener:
        return Listener(
            step_ended=lambda step: self.lifecycle.call("step_ended", run=run.id, step=step),
            terms_logged=lambda step, terms: self.lifecycle.call("terms_logged", run=run.id, step=step, terms=terms),
        )

    def _borrow(self, run: Run) -> dict[str, dict[str, Tensor]]:
        """What the run's lenders have trained. Raises `BenchError` where one of them did not come to a good end."""
        return {role: self._lend(run, role, lender) for role, lender in self.plan.lenders[run.id].items()}

    def _lend(self, run: Run, role: str, lender: Run) -> dict[str, Tensor]:
        folder = self.work.folder_of(lender)
        status = folder.record().status if folder.is_trained else "failed"
        if status != OK:
            raise BenchError(f"{run.label} borrows the {role} of {lender.label}, which {status}.")
        return weights_of(folder.weights(), run.model.borrows()[role].role)

    def _missing_on(self, run: Run, shared: Shared) -> EvaluationSettings:
        """The part of what the study measures that was not measured on a run yet."""
        settings = self.work.settings
        return settings.only(settings.missing(self.work.folder_of(run), shared.weights()))

    def _measured_with_other_weights(self) -> list[Run]:
        """Finished runs whose features are not those of this process: another machine trained another oracle.

        A run whose data cannot be loaded here is noted as a failure.
        """
        return [run for run in self.plan.runs if run.id not in self.failures and self._has_other_weights(run)]

    def _has_other_weights(self, run: Run) -> bool:
        try:
            known = self.shared.of(self.work.shelf.get(run)).weights()
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
