"""Train and measure single runs of a plan, in whichever process this is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from torch import Tensor

from vaegan_bench.api import BenchError, Data, Extractor, Metric
from vaegan_bench.evaluation.settings import EvaluationSettings
from vaegan_bench.evaluation.shared import Shared, SharedShelf
from vaegan_bench.execution.measured_run import measure_run
from vaegan_bench.execution.relay import Call
from vaegan_bench.execution.run_keeper import INTERVAL, RunKeeper
from vaegan_bench.execution.stored_run import weights_of
from vaegan_bench.execution.trained_run import train_run
from vaegan_bench.execution.workload import Workload
from vaegan_bench.registry.plugins import plugins_within
from vaegan_bench.study.run import Run
from vaegan_bench.system.disk_space import shortage_in
from vaegan_bench.system.errors import FAILURES, StoreError, reason_of
from vaegan_bench.system.status import OK
from vaegan_bench.training.loop import Listener


@dataclass(frozen=True)
class Outcome:
    """How a run came to its end."""

    run: str
    status: str
    """As `run_ended` has it."""
    failure: str = ""
    """What was raised, in words; '' where nothing was."""
    disk_is_full: bool = False
    """Whether it would fail the other runs as well."""
    weights: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Digest of the data → extractor → a hash of its weights, of those that are open in the process of the run."""


class Runner:
    """Trains and measures the runs of a plan, one at a time."""

    def __init__(
        self,
        work: Workload,
        shared: SharedShelf,
        call: Call,
        checkpoint: float = INTERVAL,
        *,
        is_patient: bool = False,
    ) -> None:
        """`checkpoint`: seconds between two checkpoints of a run. One who `is_patient` lets no second signal hurry."""
        self.plan, self.work, self.shared, self.call = work.plan, work, shared, call
        self.checkpoint, self.is_patient = checkpoint, is_patient

    def attempt(self, run: Run) -> Outcome:
        """Train and measure a run. What fails costs only this run, and is told in words."""
        try:
            status = self._run(run)
        except FAILURES as error:  # one run must not cost the others
            reason = reason_of(error)
            disk_is_full = isinstance(error, StoreError) and shortage_in(error) is not None
            return Outcome(run.id, f"failed: {reason}", reason, disk_is_full, self.shared.weights())
        return Outcome(run.id, status, weights=self.shared.weights())

    def open_learned_extractors(self, run: Run) -> None:
        """Open the extractors that learn from a run's data, which trains them where that was not done yet."""
        shared = self.shared.of(self.work.shelf.get(run))
        for extractor in learned_extractors(self.plan.metrics):
            shared.network(extractor)

    def _run(self, run: Run) -> str:
        """Train where that is not done, and measure; return how the run ended."""
        folder, data = self.work.folder_of(run), self.work.shelf.get(run)
        if self.work.is_trained_on_its_data(run):
            folder.checkpoints.remove()  # of a process that was killed before it could
            self._start(run, steps=0, done=0)
        else:
            self._train(run, data)
        record = folder.record()
        if record.is_ok:
            self._measure(run, data)
        return record.status

    def _train(self, run: Run, data: Data) -> None:
        folder = self.work.folder_of(run)
        keeper = RunKeeper(run, data, self.shared.device, folder.checkpoints, self.checkpoint)
        self._start(run, run.steps, keeper.step)
        train_run(keeper, folder, self._listener(run), self._borrow(run), is_patient=self.is_patient)

    def _start(self, run: Run, steps: int, done: int) -> None:
        self.call("run_started", run=run.id, label=run.label, steps=steps, done=done, batch=run.batch)

    def _measure(self, run: Run, data: Data) -> None:
        folder, shared = self.work.folder_of(run), self.shared.of(data)
        rows = measure_run(run, folder, shared, self._missing_on(run, shared), wait=True)
        self.call("run_evaluated", run=run.id, rows=rows)

    def _listener(self, run: Run) -> Listener:
        return Listener(
            step_ended=lambda step: self.call("step_ended", run=run.id, step=step),
            terms_logged=lambda step, terms: self.call("terms_logged", run=run.id, step=step, terms=terms),
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


def learned_extractors(metrics: Iterable[Metric]) -> list[Extractor]:
    """The extractors of metrics that learn from the data."""
    within = [plugin for metric in metrics for plugin in plugins_within(metric)]
    return [plugin for plugin in within if isinstance(plugin, Extractor) and plugin.learns]
