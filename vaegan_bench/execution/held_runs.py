"""Runs that are trained by processes which do not see the study's folder: their claims are held here meanwhile."""

from __future__ import annotations

from contextlib import suppress

from vaegan_bench.api import Message
from vaegan_bench.execution.pace import Pace
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.system.claim_folder import Holder
from vaegan_bench.system.claims import Claim
from vaegan_bench.system.errors import ClaimLostError, StoreError


class HeldRuns:
    """The claims of such runs: other commands and `status` see that they are worked on, and how far they are."""

    def __init__(self, folder: StudyFolder) -> None:
        self.folder = folder
        self._claims: dict[str, Claim] = {}
        self._paces: dict[str, Pace] = {}

    def hold(self, run: str) -> Holder | None:
        """Claim a run, if it is not held already; return the process that works on it, if another one does.

        None also where no claim can be had: storing the run's files then says why.
        """
        if run not in self._claims:
            with suppress(StoreError):
                claim = self.folder.run(run).try_claim()
                if isinstance(claim, Holder):
                    return claim
                self._claims[run] = claim
        return None

    def report(self, message: Message) -> None:
        """Put the progress of a training into the claim of its run."""
        match message:
            case {"hook": "run_started", "what": {"run": run, "steps": steps, "done": done, "batch": batch}}:
                self._paces[run] = Pace(steps, done, batch)
                self._report(run, done)
            case {"hook": "step_ended" | "terms_logged", "what": {"run": run, "step": step}}:
                self._report(run, step)

    def _report(self, run: str, step: int) -> None:
        """Report that a run is trained, or measured after its last step; a run that is only measured has no steps."""
        if run in self._claims:
            pace = self._paces[run]
            self._claims[run].report(**(pace.at(step) if step < pace.steps else {"phase": "measuring"}))

    def take(self, run: str) -> Claim | Holder:
        """The claim of a run, which the caller releases: a new one if that which was held is lost, if one can be had.

        Raises `StoreError` where none can be had.
        """
        if held := self._claims.pop(run, None):
            try:
                held.check()
                return held
            except ClaimLostError:
                held.release()
        return self.folder.run(run).try_claim()

    def release(self, run: str) -> None:
        """Release a run whose files do not come."""
        if claim := self._claims.pop(run, None):
            claim.release()

    def close(self) -> None:
        """Release all runs."""
        for run in list(self._claims):
            self.release(run)
