"""Execute a plan: train and measure every run that is not finished, and keep the results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from vaegan_bench.api import BenchError, Engine, Progress, silent
from vaegan_bench.evaluation.references import LoadedReferences, open_extractors
from vaegan_bench.execution.engine_choice import suited
from vaegan_bench.execution.engines.serial import Serial
from vaegan_bench.execution.estimate import longest_first
from vaegan_bench.execution.planned_work import PlannedWork
from vaegan_bench.execution.run_events import RunEvents
from vaegan_bench.execution.run_keeper import INTERVAL
from vaegan_bench.execution.runner import Outcome, Runner
from vaegan_bench.execution.time_limit import TimeIsUp
from vaegan_bench.execution.worker_setup import setup_for_workers
from vaegan_bench.execution.workload import Workload
from vaegan_bench.registry.lifecycle import Lifecycle
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.results.records import StudyRecord
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.plan import Plan
from vaegan_bench.study.run import Run
from vaegan_bench.system.claims import claimed
from vaegan_bench.system.device import choose_device, thread_count
from vaegan_bench.system.disk_space import REPEAT, in_words
from vaegan_bench.system.errors import DeviceLostError, IncompleteError, reason_of

SERIAL = Serial()


class Execution:
    """One plan, run in this process or in several."""

    def __init__(
        self,
        plan: Plan,
        registry: Registry,
        folder: StudyFolder,
        cache: Path,
        progress: Progress = silent,
        engine: Engine = SERIAL,
        checkpoint: float = INTERVAL,
    ) -> None:
        """`engine` distributes the runs to processes; `checkpoint`: seconds between two checkpoints of a run."""
        self.plan, self.registry, self.folder, self.progress = plan, registry, folder, progress
        self.engine, self.checkpoint = suited(engine, plan), checkpoint
        self.lifecycle = Lifecycle(registry.manager)
        self.work = Workload(plan, folder, cache, progress)
        self.references = LoadedReferences(cache, choose_device(plan.study.device), progress)
        self.failures: dict[str, str] = {}
        """Id of a run that failed → the reason; the study goes on without it."""
        self.weights: dict[str, dict[str, str]] = {}
        """Digest of the data → extractor → a hash of the weights that runs were measured with by this execution."""

    def run(self) -> None:
        """Train and measure every unfinished run; each finished run is on disk before the next begins.

        Other processes may run the same plan meanwhile: each run is done by one of them, and all end when all runs are
        over. Raises `StoreError` where results cannot be written, `DataError` where a data set cannot be loaded, and
        `ExtractorError` where the weights of an extractor are missing or wrong: all before anything trains. Raises
        `IncompleteError` where the disk becomes full later, and where a GPU or the scheduler of a cluster is lost.
        """
        with thread_count(self.plan.study.threads):
            if unfinished := self.work.unfinished():
                open_extractors(self.plan.metrics, self.references.of(next(iter(unfinished.values()))))
            self.work.check_space(self.side_by_side(len(unfinished)))
            self.work.began = self.folder.create()
            self.folder.write_study(self.record())
            self._run_all()

    def side_by_side(self, runs: int) -> int:
        """The number of runs, of `runs` in all, that go on at a time."""
        return self.engine.count(runs, self.plan.study.threads, self.references.device.type)

    def missing(self) -> list[str]:
        """The runs that failed, each with its reason."""
        return [f"{run}: {reason}" for run, reason in self.failures.items()]

    def record(self) -> StudyRecord:
        """The plan as study.json holds it."""
        runs = tuple(run.id for run in self.plan.runs)
        return StudyRecord(study=self.plan.study, runs=runs, evaluation=self.work.settings.planned())

    def _run_all(self) -> None:
        left, name = self.work.left(), self.plan.study.name
        ids, images = [run.id for run in left], [self.work.images_left(run) for run in left]
        try:
            self.lifecycle.call("study_started", name=name, folder=self.folder.path, runs=ids, images=images)
            self._do(left)
            self._agree_on_weights()
        finally:
            self.lifecycle.call("study_ended", name=name)

    def _do(self, runs: Sequence[Run]) -> None:
        """Have the engine do these runs; if it raises, the runs that still go on are reported as interrupted."""
        if not runs:
            return
        self.work.side_by_side = self.side_by_side(len(runs))
        ordered = longest_first(runs, self.plan.lenders) if self.work.side_by_side > 1 else runs
        setup = setup_for_workers(self.work, self.registry, self.checkpoint)
        events = RunEvents(self.lifecycle.call)
        runner = Runner(self.work, self.references, events, self.checkpoint)
        planned = PlannedWork(ordered, setup, runner, self._note, self.progress)
        try:
            self.engine.run(planned)
        except DeviceLostError as error:
            again = f"{error} Run the same command again: it goes on from there."
            raise IncompleteError([*self.missing(), again]) from error
        except IncompleteError as error:
            raise IncompleteError([*self.missing(), *error.lines]) from error
        except TimeIsUp as error:
            error.missing = self.missing()
            raise
        finally:
            planned.close()
            events.close()

    def _note(self, outcome: Outcome) -> None:
        """Keep the outcome of a run. Raises `IncompleteError` where the disk is full: the others would fail, too."""
        for digest, weights in outcome.weights.items():
            self.weights.setdefault(digest, {}).update(weights)
        if outcome.failure:
            self.failures[outcome.run] = outcome.failure
        if outcome.disk_is_full:
            raise IncompleteError([self._where_it_stops()])

    def _agree_on_weights(self) -> None:
        """Measure runs again whose numbers are on other weights; one command at a time, or none would be the last."""
        waiting = "waiting for another command, which measures runs again"
        if self._measured_with_other_weights():
            with claimed(self.folder.path / "weights", lambda: self.progress(waiting, 0, 1)):
                self.progress(waiting, 1, 1)
                self._do(self._measured_with_other_weights())

    def _measured_with_other_weights(self) -> list[Run]:
        """Finished runs measured with other extractor weights than those here, such as an oracle of another machine.

        None where no run is measured with those here, so that the numbers of others agree. A run whose data cannot be
        loaded here is noted as a failure.
        """
        runs = [run for run in self.plan.runs if run.id not in self.failures]
        used = {each for run in runs for each in self.work.settings.hashes_on(self.work.folder_of(run))}
        own = {
            data: {name: each for name, each in found.items() if each in used} for data, found in self.weights.items()
        }
        return [run for run in runs if self._has_other_weights(run, own)]

    def _has_other_weights(self, run: Run, own: Mapping[str, Mapping[str, str]]) -> bool:
        try:
            known = own.get(self.work.loaded.get(run).digest, {})
            return self.work.settings.have_other_weights(self.work.folder_of(run), known)
        except BenchError as error:
            self.failures[run.id] = reason_of(error)
            return False

    def _where_it_stops(self) -> str:
        kept, runs = len(self.work.with_results()), len(self.plan.runs)
        return (
            f"The study stops here: {kept} of {runs} runs are finished and kept in {self.folder.path}, the others can "
            f"take up to {in_words(self.work.needed_space(self.side_by_side(runs - kept)))}. {REPEAT}"
        )
