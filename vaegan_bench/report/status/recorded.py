"""The status of a study from its folder alone: plugins and code are not read and need not be installed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from vaegan_bench.report.status.measuring import asked_metrics
from vaegan_bench.report.status.mixtures import mixtures
from vaegan_bench.report.status.stored_runs import StoredRuns
from vaegan_bench.report.status.study_status import StudyStatus, with_times
from vaegan_bench.results.study_folder import STUDY, StudyFolder
from vaegan_bench.system.errors import StoreError


def recorded_status(folder: StudyFolder, notes: Sequence[str] = ()) -> StudyStatus:
    """The runs that study.json names, and how far each is. Raises `StoreError` where it cannot be read."""
    record, stored = folder.study(), StoredRuns(folder)
    asked, study = asked_metrics(record.evaluation), record.study
    found = [stored.planned(run, asked) for run in record.runs]
    runs = with_times([replace(run, steps=run.steps or study.steps, batch=run.batch or study.batch) for run in found])
    return StudyStatus(name=study.name, folder=folder.path, runs=runs, notes=(*notes, *mixtures(runs)))


def unreadable_status(folder: StudyFolder, reason: str) -> StudyStatus:
    """The status of a study that cannot be read, with the reason."""
    return StudyStatus(name=folder.path.name, folder=folder.path, runs=(), notes=(reason,))


def studies_in(results: Path) -> list[StudyFolder]:
    """The studies of a results folder, none before it is made. Raises `StoreError` where it cannot be read."""
    try:
        return [StudyFolder(path) for path in sorted(results.iterdir()) if _is_study(path)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"Cannot read the results folder {results}: {error.strerror or error}.") from error


def _is_study(path: Path) -> bool:
    """Whether a folder holds a study; False for one that may not be entered."""
    return os.path.isfile(path / STUDY)
