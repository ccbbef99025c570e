"""The runs in a study's folder: what each left, and who works on it. Files are read, weights are not hashed."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from vaegan_bench.report.status.measuring import AskedMetric, missing_measurements
from vaegan_bench.report.status.run_status import RecordedMeasurement, RecordedTraining, RunStatus, State
from vaegan_bench.results.failures import failure_since
from vaegan_bench.results.files import readable
from vaegan_bench.results.measurements import METRICS
from vaegan_bench.results.records import RunRecord, key_of
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.results.sibling_studies import SiblingStudies
from vaegan_bench.results.stored_files import RUN
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.study import PRIOR
from vaegan_bench.system.claim_folder import Holder
from vaegan_bench.system.claims import USUAL, holder_of
from vaegan_bench.system.errors import StoreError
from vaegan_bench.system.plain_data import read_as

NAME = re.compile(r"(?P<model>.+)-s(?P<seed>\d+)-[0-9a-f]{8}")
"""The form of a run's id."""


class StoredRuns:
    """The runs in a study's folder as they are now; of each, only the files that are there are opened."""

    def __init__(self, folder: StudyFolder) -> None:
        self.folder = folder
        self.siblings = SiblingStudies(folder.path.absolute())
        self.names = frozenset[str]()
        with suppress(FileNotFoundError, NotADirectoryError):
            self.names = frozenset(os.listdir(folder.path))

    def knows(self, run: str) -> bool:
        """Whether the folder holds any trace of a run."""
        return not self.names.isdisjoint((run, f".{run}.claim", f".{run}.failed.json")) or self.record(run) is not None

    def status(self, run: str, asked: Mapping[str, AskedMetric]) -> RunStatus:
        """The status of a run on which the metrics in `asked` are to be measured."""
        found = self._by_files(run, asked)
        holder = self._holder(run)
        if holder is None:
            return found
        if (silent := _silence(holder)) > USUAL.patience:
            silence = f"{holder} has given no sign of life for {_words(silent)} by the clock of this machine"
            return replace(found, reason=found.reason or silence)
        return _worked_on(found, holder)

    def planned(self, run: str, asked: Mapping[str, AskedMetric]) -> RunStatus:
        """The status of a run that the next command would do, which may copy it from another study."""
        found = self.status(run, asked)
        study = self.elsewhere(run) if found.state in ("waiting", "interrupted", "failed") and not found.trained else ""
        reason = f"trained in {study}, will be copied"
        return replace(found, state="elsewhere", step=None, reason=reason) if study else found

    def elsewhere(self, run: str) -> str:
        """The name of another study that has trained a run; '' where there is none."""
        return next((place.path.parent.name for place in self.siblings.holding(run)), "")

    def record(self, run: str) -> RunRecord | None:
        """The record of a run whose training has ended; None where it has not, or is damaged."""
        try:
            trained = self._trained(run)
        except StoreError:
            return None
        return trained.record if trained else None

    def _by_files(self, run: str, asked: Mapping[str, AskedMetric]) -> RunStatus:
        """The status of a run by its files, without regard to processes that work on it now."""
        first = RunStatus(run=run, **_parts_of(run))
        try:
            trained = self._trained(run)
        except StoreError as error:
            return replace(first, state="damaged", reason=str(error))
        if trained:
            return self._of_trained(first, trained, asked)
        step = self.folder.run(run).checkpoints.step() if run in self.names else None
        if failure := self._failure(run):
            return replace(first, state="failed", reason=failure, step=step)
        return first if step is None else replace(first, state="interrupted", step=step)

    def _of_trained(self, first: RunStatus, trained: RecordedTraining, asked: Mapping[str, AskedMetric]) -> RunStatus:
        record = trained.record
        known: dict[str, Any] = {
            "model": record.label,
            "dataset": record.dataset,
            "seed": record.seed,
            "step": record.steps,
        }
        found = replace(first, **known, steps=record.definition.steps, batch=record.definition.batch, trained=trained)
        if not record.is_ok:
            return replace(found, state="diverged", reason=record.status)
        missing = tuple(missing_measurements(asked, trained))
        failure = self._failure(first.run) if missing else ""
        state: State = "failed" if failure else "unmeasured" if missing else "finished"
        return replace(found, state=state, reason=failure, again=missing)

    def _trained(self, run: str) -> RecordedTraining | None:
        folder = self.folder.run(run)
        return _read(folder.path, folder.files.stamps((RUN, METRICS))) if folder.files.has(RUN) else None

    def _failure(self, run: str) -> str:
        failure = failure_since(self.folder.path / run, 0) if f".{run}.failed.json" in self.names else None
        return failure.reason if failure else ""

    def _holder(self, run: str) -> Holder | None:
        """The process that works on a run, or that did and may be dead on another machine; None where there is none."""
        holder = holder_of(self.folder.path / run) if f".{run}.claim" in self.names else None
        return None if holder is None or holder.has_ended else holder


@cache
def _read(path: Path, stamps: object) -> RecordedTraining:
    """A trained run, read once as long as no file changes. Raises `StoreError` for a damaged record."""
    run = RunFolder(path)
    known = RecordedTraining(record=run.record())
    with suppress(StoreError):
        return _with_measurements(known, run) if run.files.has(METRICS) else known
    return known


def _with_measurements(known: RecordedTraining, run: RunFolder) -> RecordedTraining:
    """The run with its measurements, whose numbers are not checked. Raises `StoreError` where they cannot be read."""
    with readable(run.files.place(METRICS)):
        content = json.loads(run.files.read(METRICS))
        found = [read_as(RecordedMeasurement, each) for each in content["measurements"]]
        keys = [key_of(each["metric"], each["samples"], each["draws"], each["sampler"]) for each in found]
        seen_from = str(content.get("seen_from", PRIOR)) if content.get("seen") else ""
        return replace(known, measured=dict(zip(keys, found, strict=True)), seen_from=seen_from)


def _parts_of(run: str) -> dict[str, Any]:
    """The model and the seed of a run, from its id alone."""
    parts = NAME.fullmatch(run)
    return {"model": parts["model"], "seed": int(parts["seed"])} if parts else {"model": run}


def _worked_on(found: RunStatus, holder: Holder) -> RunStatus:
    reported, host = holder.progress, holder.process.hostname if holder.process else "an unknown machine"
    match reported.get("phase"):
        case "training":
            numbers = {"step": _number(reported.get("step")), "images_per_second": _number(reported.get("speed"))}
            steps = _number(reported.get("steps")) or found.steps
            return replace(found, state="training", host=host, steps=steps, **numbers, reason="")
        case "measuring":
            return replace(found, state="measuring", host=host, reason="")
    if found.trained:  # the process is checking whether something is left to do
        return replace(found, host=host)
    return replace(found, state="starting", host=host, reason="")


def _number(value: Any) -> Any:
    """The value if it is a number of at least 0, otherwise None."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 else None


def _silence(holder: Holder) -> float:
    """Seconds since the last sign of life of a process on another machine, if its clock and ours agree.

    A process that wants to take over the run compares with the file system's clock instead, for which it must write.
    """
    return 0.0 if holder.has_ended is False else time.time() - holder.beat


def _words(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds < 2 * 3600 else f"{seconds / 3600:.0f} h"
