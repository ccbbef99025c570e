"""Train and measure single runs of a plan, in the process of the command or in another one."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from torch import Tensor

from vaegan_bench.api import BenchError, Data
from vaegan_bench.evaluation.references import LoadedReferences, References
from vaegan_bench.evaluation.settings import EvaluationSettings
from vaegan_bench.evaluation.stored_run import weights_of
from vaegan_bench.execution.measured_run import measure_run
from vaegan_bench.execution.pace import Pace
from vaegan_bench.execution.relay import Call
from vaegan_bench.execution.run_keeper import INTERVAL, RunKeeper
from vaegan_bench.execution.trained_run import train_run
from vaegan_bench.execution.workload import Workload
from vaegan_bench.registry.plugins import extractors_within
from vaegan_bench.results.failures import failure_since, forget_failure, note_failure
from vaegan_bench.study.run import Run
from vaegan_bench.system.claim_folder import Holder
from vaegan_bench.system.claims import Claim, holder_of
from vaegan_bench.system.device import describe, still_works
from vaegan_bench.system.disk_space import shortage_in
from vaegan_bench.system.errors import FAILURES, ClaimLostError, DeviceLostError, StoreError, StudyWarning, reason_of
from vaegan_bench.system.status import OK
from vaegan_bench.training.loop import Listener

COPIES = 3
"""How often to try to copy a run from another study, which may be measuring it and so changing its files."""


@dataclass(frozen=True)
class Outcome:
    """How the attempt at a run ended."""

    run: str
    status: str
    """The `status` for the hook `run_ended`."""
    failure: str = ""
    """The reason why the run failed; '' where it did not."""
    disk_is_full: bool = False
    """Whether the disk is full, which would fail the other runs as well."""
    weights: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Digest of the data → extractor → a hash of its weights, for extractors open in the process of the run."""
    holder: Holder | None = None
    """The process that works on the run instead; the run is not over then, and `status` is '' if not begun here."""

    @classmethod
    def failed(cls, run: str, reason: str, *, disk_is_full: bool = False) -> Outcome:
        """The run failed for this reason."""
        return cls(run, f"failed: {reason}", reason, disk_is_full)

    @classmethod
    def held(cls, run: str, holder: Holder) -> Outcome:
        """The run was not begun, as another process works on it."""
        return cls(run, "", holder=holder)


def outcome_of(error: BaseException, run: str, path: Path) -> Outcome:
    """The outcome of a run that ended in an error: another process took its folder over, or the run failed."""
    if isinstance(error, ClaimLostError):
        holder = holder_of(path) or Holder(token="", beat=0.0)
        return Outcome(run, f"interrupted: {error}", holder=holder)
    reason, disk_is_full = reason_of(error), isinstance(error, StoreError) and shortage_in(error) is not None
    return Outcome.failed(run, reason, disk_is_full=disk_is_full)


class Runner:
    """Trains and measures the runs of a plan, one at a time."""

    def __init__(
        self,
        work: Workload,
        references: LoadedReferences,
        call: Call,
        checkpoint: float = INTERVAL,
        *,
        is_patient: bool = False,
        must_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        """`checkpoint`: seconds between two checkpoints of a run. If `is_patient`, a second signal is ignored.

        `must_stop` says whether to save a training and interrupt it, with a `KeyboardInterrupt`.
        """
        self.plan, self.work, self.references, self.call = work.plan, work, references, call
        self.checkpoint, self.is_patient, self.must_stop = checkpoint, is_patient, must_stop

    def attempt(self, run: Run) -> Outcome:
        """Train and measure a run, unless another process works on it, or the run has failed since the command began.

        A failure does not stop the other runs; the outcome gives the reason.
        """
        return replace(self._attempt(run), weights=self.references.weights())

    def _attempt(self, run: Run) -> Outcome:
        folder = self.work.folder_of(run)
        try:
            claim = folder.try_claim()
        except StoreError as error:
            return outcome_of(error, run.id, folder.path)
        if isinstance(claim, Holder):
            return Outcome.held(run.id, claim)
        with claim:
            if failed := failure_since(folder.path, self.work.began):
                return Outcome.failed(run.id, f"{failed.reason} ({failed.process})")
            return self._outcome(run, claim)

    def references_of(self, run: Run) -> References:
        """The references on the data of a run."""
        return self.references.of(self.work.loaded.get(run))

    def _outcome(self, run: Run, claim: Claim) -> Outcome:
        try:
            status = self._run(run, claim)
        except FAILURES as error:  # one failed run must not stop the others
            if not still_works(self.references.device):  # no other run can succeed in this process
                lost = f"{self.references.device} has stopped working in this process: {reason_of(error)}."
                raise DeviceLostError(lost) from error
            return self._failed(run, claim, error)
        return Outcome(run.id, status)

    def _failed(self, run: Run, claim: Claim, error: BaseException) -> Outcome:
        """The outcome of a run that failed, which is noted for other processes unless one of them took the run over."""
        outcome = outcome_of(error, run.id, claim.path)
        try:
            claim.check()
            note_failure(self.work.folder_of(run).path, outcome.failure)
        except ClaimLostError as lost:
            return outcome_of(lost, run.id, claim.path)
        except (OSError, StoreError):  # as on a full disk: others then try the run themselves
            pass
        return outcome

    def _run(self, run: Run, claim: Claim) -> str:
        """Train the run unless it is trained, in this study or another, and measure it; return the run's status."""
        folder, data = self.work.folder_of(run), self.work.loaded.get(run)
        forget_failure(folder.path)
        if self.work.is_trained_on_its_data(run) or self._copy_from_another_study(run, claim, data):
            folder.checkpoints.remove()  # left by a process that was killed before it could remove them
            if self._is_measured(run, data):
                return folder.record().status
            self._start(run, steps=0, done=0)
        else:
            self._train(run, claim, data)
        record = folder.record()
        if record.is_ok:
            self._measure(run, claim, data)
        return record.status

    def _train(self, run: Run, claim: Claim, data: Data) -> None:
        folder = self.work.folder_of(run)
        keeper = RunKeeper(run, data, self.references.device, claim, self.checkpoint, self.must_stop)
        self._start(run, run.steps, keeper.step)
        listener = self._listener(run, claim, keeper.step)
        device = describe(self.references.device, self.work.side_by_side)
        train_run(keeper, folder, listener, self._borrow(run), device, is_patient=self.is_patient)

    def _start(self, run: Run, steps: int, done: int) -> None:
        self.call("run_started", run=run.id, label=run.label, steps=steps, done=done, batch=run.batch)

    def _copy_from_another_study(self, run: Run, claim: Claim, data: Data) -> bool:
        """Copy the run from another study of the results folder, if one has it; return whether it is trained now."""
        reason = ""
        for _ in range(COPIES):
            if (other := self.work.elsewhere(run, data.digest)) is None:
                break
            try:
                self.work.folder_of(run).copy_from(claim, other)
            except StoreError as error:
                if isinstance(error, ClaimLostError) or shortage_in(error):
                    raise
                reason = f"it cannot be copied from {other.path}: {error}"
            else:
                self.call("run_copied", run=run.id, folder=str(other.path))
                return self.work.is_trained_on_its_data(run)
        if reason:
            warnings.warn(f"Run {run.id} is trained again, as {reason}", StudyWarning, stacklevel=2)
        return False

    def _is_measured(self, run: Run, data: Data) -> bool:
        if not self.work.has_results(run):
            return False
        references = self.references.of(data)
        for extractor in extractors_within(self.plan.metrics):  # numbers on other weights than theirs do not count
            references.network(extractor)
        return not self._missing_on(run, references).metrics

    def _measure(self, run: Run, claim: Claim, data: Data) -> None:
        folder, references = self.work.folder_of(run), self.references.of(data)
        rows = measure_run(run, folder, claim, references, self._missing_on(run, references))
        self.call("run_evaluated", run=run.id, rows=rows)

    def _listener(self, run: Run, claim: Claim, done: int) -> Listener:
        pace = Pace(run.steps, done, run.batch)

        def step_ended(step: int) -> None:
            claim.report(**pace.at(step))
            self.call("step_ended", run=run.id, step=step)

        def terms_logged(step: int, terms: Mapping[str, float]) -> None:
            claim.check()
            self.call("terms_logged", run=run.id, step=step, terms=terms)

        return Listener(step_ended=step_ended, terms_logged=terms_logged)

    def _borrow(self, run: Run) -> dict[str, dict[str, Tensor]]:
        """The lenders' trained weights, by borrowed role. Raises `BenchError` where a lender failed or diverged."""
        return {role: self._lend(run, role, lender) for role, lender in self.plan.lenders[run.id].items()}

    def _lend(self, run: Run, role: str, lender: Run) -> dict[str, Tensor]:
        folder = self.work.folder_of(lender)
        status = folder.record().status if self.work.is_trained(lender) else "failed"
        if status != OK:
            raise BenchError(f"{run.label} borrows the {role} of {lender.label}, which {status}.")
        return weights_of(folder.training.weights(), run.model.borrows()[role].role)

    def _missing_on(self, run: Run, references: References) -> EvaluationSettings:
        """The study's settings, with only the metrics that were not measured on a run yet."""
        settings = self.work.settings
        return settings.only(settings.missing(self.work.folder_of(run), references.weights()))
