"""The folder of one run: the files that training left, and all measurements since."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

from vaegan_bench.results.checkpoints import CHECKPOINTS, Checkpoints
from vaegan_bench.results.files import error_of
from vaegan_bench.results.measurements import METRICS, Images, Measurements
from vaegan_bench.results.overview import MeasurementFacts, Overview
from vaegan_bench.results.records import MetricsRecord, RunRecord, is_plain_name, measurement_key
from vaegan_bench.results.rows import measured_rows, training_rows
from vaegan_bench.results.stored_files import RUN, Stamps, StoredFiles
from vaegan_bench.results.trained_files import HISTORY, TrainedFiles, replaced_run
from vaegan_bench.system.claim_folder import Holder
from vaegan_bench.system.claims import Claim, try_claim
from vaegan_bench.system.errors import StoreError
from vaegan_bench.system.files import remove_strays

RECORDS = (RUN, HISTORY, METRICS)
"""The files of a run that are in an archive."""


class RunFolder:
    """`results/<study>/<run>/`: the definition, the history and the weights; after evaluation, also metrics and images.

    Where the folder is absent, its records are read from the archive of the study.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.files, self.checkpoints = path, StoredFiles(path), Checkpoints(path)
        self.training, self.measurements = TrainedFiles(path), Measurements(path)

    @property
    def has_ended(self) -> bool:
        """Whether training has ended here, in success or divergence; files may have been damaged since."""
        return self.files.has(RUN)

    @property
    def is_trained(self) -> bool:
        """Whether training has ended and its files are undamaged; the weights may have been removed."""
        return self.has_ended and not self.training.damage()

    def stamps(self) -> Stamps:
        """A value that is equal as long as no file changes that tables and figures need."""
        return self.files.stamps((*RECORDS, *self.files.arrays()))

    def damage(self) -> str:
        """Why this run cannot be shown: a file that tables and figures need is damaged; '' where none is."""
        return self.overview().damage

    def overview(self) -> Overview:
        """The facts that a study needs before it reads numbers; computed once as long as no file changes."""
        return _overview(self.path, self.stamps())

    def try_claim(self) -> Claim | Holder:
        """The right to write into this run, or the process that has it. Raises `StoreError` where none can be given."""
        claim = try_claim(self.path.resolve())
        if isinstance(claim, Claim):
            remove_strays(self.path)
        return claim

    def claim(self) -> Claim:
        """The right to write into this run. Raises `StoreError` where another process has it, or none can be given."""
        claim = self.try_claim()
        if isinstance(claim, Claim):
            return claim
        raise StoreError(f"Another process is working on {self.path}, {claim}: wait for it, then try again.")

    def lasting(self) -> list[Path]:
        """The files in the folder without those that are there only while the run is trained or measured."""
        return [path for path in self.path.iterdir() if not path.name.startswith(".") and path.name not in CHECKPOINTS]

    def copy_from(self, claim: Claim, other: RunFolder) -> None:
        """Copy the files of the same run from another folder, with their times, whole or not at all.

        Permissions are not copied: a run that nobody may write to can be measured in its new folder. Raises
        `StoreError` where another process changes the files meanwhile.
        """
        before = other.stamps()
        with replaced_run(self.path, claim) as partial:
            for path in other.lasting():  # one by one, as the errors of `copytree` do not say that a disk is full
                copy, found = partial / path.name, path.stat()
                shutil.copyfile(path, copy)
                os.utime(copy, ns=(found.st_atime_ns, found.st_mtime_ns))
            if other.stamps() != before:
                raise StoreError(f"{other.path} was changed while it was copied.")

    def receive(self, claim: Claim, files: Mapping[str, bytes]) -> None:
        """Write the files of a run that ended in another process. Raises `StoreError` for files that no run leaves."""
        if RUN not in files or not all(map(is_plain_name, files)):
            raise StoreError(f"What came for {self.path} is no run: its files are {', '.join(files) or 'none'}.")
        with replaced_run(self.path, claim) as partial:
            for name, content in files.items():
                (partial / name).write_bytes(content)

    def record(self) -> RunRecord:
        """The run's definition, status and cost. Raises `StoreError` where the folder holds no run that has ended."""
        return self.training.record()

    def measured(self) -> Mapping[str, MeasurementFacts]:
        """Key → the facts about each measurement, without its numbers; {} where their record is damaged."""
        if not self.damage():
            return self.overview().measured
        return {name: MeasurementFacts.of(each) for name, each in self.measurements.known().items()}

    @property
    def has_whole_exhibits(self) -> bool:
        """Whether the arrays of exhibits are undamaged."""
        return not self.damage() or not error_of(self.measurements.exhibits)

    def has_sheets(self, samples: int, drawn_from: str) -> bool:
        """Whether verdicts and the images of sheets were taken from at least so many samples of this source."""
        return self.sheets_drawn_from() == drawn_from and self.measurements.record().seen >= samples

    def sheets_drawn_from(self) -> str:
        """The source of the samples of verdicts and sheets, 'prior' or a sampler; '' where there are none."""
        if error_of(self.images) or not self.images():
            return ""
        return self.measurements.record().sheets_drawn_from

    def images(self) -> Images:
        """The images for sheets; {} for a run that diverged."""
        return self.measurements.images(self.record().shape)

    def rows(self, planned: Collection[str] = ()) -> Iterator[dict[str, Any]]:
        """The run's rows, those of its training first, then measurements with the keys `planned`, in their order.

        The column 'measurement' is the key of the measurement that gave the number, '' for training.
        """
        record, measured = self.record(), self.measurements.record()
        first = {
            "run": record.id,
            "model": record.label,
            "dataset": record.dataset,
            "networks": record.networks,
            "seed": record.seed,
            "status": record.status,
            "setting": record.setting,
            "game": record.game,
            "data": record.data,
            "health": _health(record, measured),
        }
        rows = chain(training_rows(record), measured_rows(measured.measurements, planned))
        return ({**first, **row} for row in rows)

    def problems(self, keys: Collection[str]) -> dict[str, str]:
        """metric → why it gave no numbers, or not all of them; for the measurements with these keys."""
        found = [each for name, each in self.measurements.by_key().items() if name in keys]
        return {each["label"]: each["problem"] for each in found if each["problem"]}


def _health(record: RunRecord, measured: MetricsRecord) -> str:
    """'ok', or the faults of the training with the numbers that show them: 'mode collapse: 83% of …; …'."""
    found = [f"{verdict}: {numbers}" for verdict, numbers in measured.health.items()]
    return "; ".join(found) or record.status if record.is_ok else record.status


@cache
def _overview(path: Path, stamps: Stamps) -> Overview:
    run = RunFolder(path)
    try:
        run.training.check_history()
        record, measured = run.record(), run.measurements.record()
        run.measurements.check(record.shape)
    except StoreError as error:
        return Overview(str(error))
    return Overview(
        damage="",
        identity=(record.dataset, record.label, record.seed),
        data=record.data,
        finished=record.finished,
        is_ok=record.is_ok,
        sheets_drawn_from=measured.sheets_drawn_from,
        measured={measurement_key(each): MeasurementFacts.of(each) for each in measured.measurements},
    )
