"""The files of runs, sent to and from a process that shares no folder with the command."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace

from vaegan_bench.execution.held_runs import HeldRuns
from vaegan_bench.execution.runner import Outcome, outcome_of
from vaegan_bench.execution.temporary_folder import temporary_folder
from vaegan_bench.results.failures import forget_failure, note_failure
from vaegan_bench.results.measurements import METRICS
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.results.stored_files import RUN
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.system.claim_folder import Holder
from vaegan_bench.system.claims import Claim
from vaegan_bench.system.errors import StoreError
from vaegan_bench.system.files import stamp_of

Files = Mapping[str, bytes]
"""Name → content of the files of a run's folder."""


@dataclass(frozen=True)
class TransferredRun:
    """The outcome of a run in another process, and the files that it left there."""

    outcome: Outcome
    files: Files
    known: bytes = b""
    """The record of measurements that was sent there with the run; empty where the run was not trained before."""


def files_of(folder: RunFolder) -> Files:
    """The lasting files in the folder of a run that has ended; {} where it has not, or is only in the archive."""
    if stamp_of(folder.path / RUN) is None:
        return {}
    return {path.name: path.read_bytes() for path in folder.lasting()}


def store_transferred(transferred: TransferredRun, held: HeldRuns) -> Outcome:
    """Put the files of a run into its folder, unless another process works on it, or trained or measured it meanwhile.

    The outcome is the run's own, names the process that works on it, or says why the files cannot be written.
    """
    folder = held.folder.run(transferred.outcome.run)
    try:
        return _store(transferred, folder, held.take(transferred.outcome.run))
    except StoreError as error:
        failed = outcome_of(error, transferred.outcome.run, folder.path.resolve())
        return replace(failed, weights=transferred.outcome.weights)


def _store(transferred: TransferredRun, folder: RunFolder, claim: Claim | Holder) -> Outcome:
    if not isinstance(claim, Claim):
        return Outcome.held(transferred.outcome.run, claim)
    with claim:
        is_as_sent = files_of(folder).get(METRICS, b"") == transferred.known
        if transferred.files and (is_as_sent or not folder.is_trained):
            folder.receive(claim, transferred.files)
        forget_failure(folder.path)
        if failure := transferred.outcome.failure:
            note_failure(folder.path, failure)
    return transferred.outcome


def study_folder_with(study: str, runs: Mapping[str, Files]) -> StudyFolder:
    """A folder for a study in this process, with these files of runs that were trained before; {} for others."""
    folder = StudyFolder(temporary_folder() / "results" / study)
    folder.create()
    for run, files in runs.items():
        if files and files_of(folder.run(run)) != files:  # those of an earlier task may lack later measurements
            with folder.run(run).claim() as claim:
                folder.run(run).receive(claim, files)
    return folder


def collect_files(folder: RunFolder, outcome: Outcome, sent: Files) -> TransferredRun:
    """The outcome and the files of a run, of which `sent` were sent here.

    A run that failed when it was measured has the files of its training. All files are removed from this process, as
    the run may be tried here again.
    """
    files = files_of(folder)
    shutil.rmtree(folder.path, ignore_errors=True)
    forget_failure(folder.path)
    return TransferredRun(outcome, files, sent.get(METRICS, b""))
