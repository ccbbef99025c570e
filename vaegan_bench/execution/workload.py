"""Which runs of a plan are done, and which are left to do."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from vaegan_bench.api import Data, Progress, silent
from vaegan_bench.evaluation.settings import EvaluationSettings
from vaegan_bench.execution.footprint import footprint
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.results.sibling_studies import SiblingStudies
from vaegan_bench.results.stored_files import Stamps
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.plan import Plan
from vaegan_bench.study.run import Run
from vaegan_bench.system.disk_space import check_space
from vaegan_bench.system.errors import FAILURES, StoreError
from vaegan_bench.training.loading import LoadedData

KEPT_IMAGES = 64
"""Samples and reconstructions that are kept per run, for sheets."""


class Workload:
    """The runs of a plan, compared with the results in the study's folder."""

    def __init__(self, plan: Plan, folder: StudyFolder, cache: Path, progress: Progress = silent) -> None:
        self.plan, self.folder = plan, folder
        self.loaded = LoadedData(cache, progress)
        self.settings = EvaluationSettings.of(plan)
        self.began = 0.0
        """When the command began, by the clock of the study's folder."""
        self.side_by_side = 1
        """The number of runs that go on at a time."""
        self._siblings = SiblingStudies(folder.path)
        self._met: dict[Stamps, bool] = {}

    def folder_of(self, run: Run) -> RunFolder:
        """Where a run's results are, or will be."""
        return self.folder.run(run.id)

    def with_results(self) -> list[Run]:
        """The runs whose results are on disk already, whatever their data sets hold now."""
        return [run for run in self.plan.runs if self.has_results(run)]

    def unfinished(self) -> dict[Run, Data]:
        """The runs to train or measure, with their data: loaded now, so that what is missing is known before training.

        A run with results whose data cannot be loaded any more is left out: it costs no other run.
        """
        runs = (run for run in self.plan.runs if not self.has_results(run) or self._has_other_images(run))
        return {run: self.loaded.get(run) for run in runs}

    def left(self) -> list[Run]:
        """The runs that are still to be trained or measured."""
        return [run for run in self.plan.runs if not (self.has_results(run) and self.is_trained(run))]

    def images_left(self, run: Run) -> int:
        """The number of images on which a run is still to be trained, repetitions included."""
        return 0 if self.is_trained(run) else run.steps * run.batch

    def has_results(self, run: Run) -> bool:
        """Whether a run was trained, and measured as the study asks."""
        folder = self.folder_of(run)
        if not folder.is_trained:
            return False
        stamps = folder.stamps()
        if stamps not in self._met:
            self._met[stamps] = self.settings.are_met_by(folder)
        return self._met[stamps]

    def is_trained(self, run: Run) -> bool:
        """Whether a run's training is over; False where that cannot be known: the run then fails with its reason."""
        try:
            return self.is_trained_on_its_data(run)
        except FAILURES:
            return False

    def _has_other_images(self, run: Run) -> bool:
        """Whether the data set of a trained run holds other images now; False where that cannot be known."""
        try:
            return not self.is_trained_on_its_data(run)
        except FAILURES:
            return False

    def is_trained_on_its_data(self, run: Run) -> bool:
        """Whether a run was trained on the images that its data set holds now. Raises whatever its data set raises."""
        folder = self.folder_of(run)
        return folder.is_trained and folder.training.data == self.loaded.get(run).digest

    def elsewhere(self, run: Run, digest: str) -> RunFolder | None:
        """The same run in another study of the results folder, undamaged, with weights, of the same data; or None."""
        for place in self._siblings.holding(run.id):
            with suppress(OSError, StoreError):
                if place.is_trained and not place.damage() and place.record().data == digest:
                    return place
        return None

    def damaged(self) -> dict[str, str]:
        """Id of a run with a damaged file → what is damaged; such runs are trained or measured again."""
        folders = {run.id: self.folder_of(run) for run in self.plan.runs}
        found = {
            name: folder.training.damage() or folder.damage() for name, folder in folders.items() if folder.has_ended
        }
        return {name: reason for name, reason in found.items() if reason}

    def begun(self) -> dict[str, int]:
        """Id of a run whose training was interrupted → the step from which it goes on."""
        folders = {run.id: self.folder_of(run) for run in self.plan.runs}
        steps = {name: folder.checkpoints.step() for name, folder in folders.items() if not folder.is_trained}
        return {name: step for name, step in steps.items() if step is not None}

    def needed_space(self, at_once: int) -> int:
        """Bytes that the unfinished runs can take at most, `at_once` of them at a time; 0 if every run is finished."""
        unfinished = self.unfinished()
        trained = {run: data for run, data in unfinished.items() if self.is_trained(run)}
        untrained = {run: data for run, data in unfinished.items() if run not in trained}
        images = min(KEPT_IMAGES, self.plan.study.samples)
        return footprint(untrained, trained, images, at_once) if unfinished else 0

    def check_space(self, at_once: int) -> None:
        """Raise `StoreError` where the results and checkpoints of the unfinished runs can fill the disk."""
        what = f"The results of {len(self.unfinished())} unfinished runs of study '{self.plan.study.name}'"
        check_space(self.folder.path, self.needed_space(at_once), what, "--results")
