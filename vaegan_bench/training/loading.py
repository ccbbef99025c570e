"""The data of a run: loaded once per study, with a validation part where the study asks for one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from vaegan_bench.api import Data, DataError, Dataset, Progress, StudyError, definition, silent
from vaegan_bench.datasets.preparation.words import describe_left_out
from vaegan_bench.study.run import Run
from vaegan_bench.system.errors import failing_as
from vaegan_bench.training.data_form import faults_of


def load(dataset: Dataset, size: int, cache: Path, progress: Progress = silent) -> Data:
    """The data at a size. Raises `DataError` also where a third-party data set raises or returns something else."""
    with failing_as(DataError, f"Dataset '{dataset}' cannot be loaded"):
        data = dataset.load(size, cache, progress)
        for fault in faults_of(data, size):
            raise DataError(f"Dataset '{dataset}' cannot be used: {fault}")
        return data


def fetch(dataset: Dataset, progress: Progress = silent) -> None:
    """Fetch the source files of a data set. Raises `DataError`, which says which files to fetch by hand, if need be."""
    with failing_as(DataError, f"Dataset '{dataset}' cannot be fetched"):
        dataset.fetch(progress)


def counts_of(data: Data) -> str:
    """The numbers of training and test images, in words."""
    return f"{len(data.train):,} training and {len(data.test):,} test images"


def remarks_of(data: Data) -> list[str]:
    """Remarks on the data for readers of a table, such as which images were left out."""
    return [*data.remarks, *describe_left_out(data.left_out)]


class LoadedData:
    """Keeps loaded data sets in memory, so that the runs of a study share one copy."""

    def __init__(self, cache: Path, progress: Progress = silent) -> None:
        self.cache, self.progress = cache, progress
        self._loaded: dict[str, Data] = {}

    def get(self, run: Run) -> Data:
        """The data that a run trains on and is measured on. Raises `StudyError` where too few images are held out."""
        key = f"{definition(run.dataset)} at {run.size} for {run.split}"
        if key not in self._loaded:
            data = load(run.dataset, run.size, self.cache, self.progress)
            self._loaded[key] = hold_out(data) if run.split == "validation" else _with_test_images(data, run)
        return self._loaded[key]


def _with_test_images(data: Data, run: Run) -> Data:
    if len(data.test) < 2:
        images = f"Dataset '{run.dataset}' has {counts_of(data)}"
        raise StudyError(f"{images}: at least two test images are needed to measure on. Add images.")
    return data


def hold_out(data: Data) -> Data:
    """The data with the last tenth of the training images as test images; the original test images are not used.

    Raises `StudyError` where a tenth is less than two images.
    """
    part = len(data.train) // 10
    if part < 2:
        raise StudyError(f"A tenth of {len(data.train)} training images is too little to validate on: use split test.")
    train, validation = data.train[: len(data.train) - part], data.train[len(data.train) - part :]
    return replace(data, train=train, test=validation, digest=f"{data.digest}-validation")
