"""The folder of one run: the files that training left, and all measurements since."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cache, lru_cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from vaegan_bench.results.checkpoints import CHECKPOINTS, Checkpoints
from vaegan_bench.results.files import check_hash, checked_content, parse_record, readable, write_json
from vaegan_bench.results.history import Curves, curves_of, read_curves
from vaegan_bench.results.measurements import METRICS, Images, Measurements, Seen
from vaegan_bench.results.overview import MeasurementFacts, Overview, Training
from vaegan_bench.results.records import MeasurementRecord, RunRecord, is_plain_name, read_run
from vaegan_bench.results.rows import measured_rows, training_rows
from vaegan_bench.results.run_files import RUN, RunFiles, State
from vaegan_bench.system.claim_folder import Holder
from vaegan_bench.system.claims import Claim, try_claim
from vaegan_bench.system.errors import StoreError
from vaegan_bench.system.exhibits import Exhibits
from vaegan_bench.system.files import (
    known_sha256,
    remove_strays,
    replace_folder,
    sha256_of_file,
    stamp_of,
    written_stamp,
)

if TYPE_CHECKING:
    from torch import Tensor

HISTORY, WEIGHTS = "history.csv", "weights.safetensors"
RECORDS = (RUN, HISTORY, METRICS)
"""The files of a run that are in an archive."""
TRAIN_AGAIN = "Train the run again: `vaegan-bench run` with its study does so, or remove the folder."


class RunFolder:
    """`results/<study>/<run>/`: the definition, the history and the weights; after evaluation, also metrics and images.

    Where the folder is absent, its records are read from the archive of the study.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.files = path, RunFiles(path)
        self.checkpoints = Checkpoints(path)
        self._measured = Measurements(path)

    @property
    def is_there(self) -> bool:
        """Whether training has ended here, in success or divergence; files may have been damaged since."""
        return self.files.has(RUN)

    @property
    def is_trained(self) -> bool:
        """Whether training has ended and its files are undamaged; the weights may have been removed."""
        return self.is_there and not self.training_damage()

    def training_damage(self) -> str:
        """Why the files that training left are of no use; '' where they are undamaged."""
        return self._training().damage

    @property
    def data(self) -> str:
        """The digest of the data that the run was trained on; '' where files that training left are damaged."""
        return self._training().data

    def state(self) -> State:
        """A value that is equal as long as no file changes that tables and figures need."""
        return self.files.state((*RECORDS, *self.files.arrays()))

    def damage(self) -> str:
        """Why this run cannot be shown: a file that tables and figures need is damaged; '' where none is."""
        return self.overview().damage

    def overview(self) -> Overview:
        """The facts that a study needs before it reads numbers; computed once as long as no file changes."""
        return _overview(self.path, self.state())

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

    def write_trained(
        self, claim: Claim, record: RunRecord, history: list[dict[str, float]], weights: dict[str, Tensor]
    ) -> None:
        """Write the files that training leaves, whole or not at all; they replace those of an earlier training.

        Checkpoints are removed only after that.
        """
        from safetensors.torch import save

        with claim.staged(self.path) as stage, replace_folder(self.path, stage, RUN, CHECKPOINTS) as partial:
            columns = list(dict.fromkeys(["step", *(name for row in history for name in row)]))
            pd.DataFrame(history, columns=columns).to_csv(partial / HISTORY, index=False)
            (partial / WEIGHTS).write_bytes(save(weights))
            hashes = {name: sha256_of_file(partial / name) for name in (HISTORY, WEIGHTS)}
            stamp = written_stamp(partial / WEIGHTS)
            write_json(partial / RUN, asdict(replace(record, files=hashes, weights_stamp=stamp)))
            claim.check()

    def copy_from(self, claim: Claim, other: RunFolder) -> None:
        """Copy the files of the same run from another folder, whole or not at all."""
        with claim.staged(self.path) as stage, replace_folder(self.path, stage, RUN) as partial:
            for path in other.path.iterdir():  # one by one, as the errors of `copytree` do not say that a disk is full
                if not path.name.startswith("."):
                    shutil.copy2(path, partial)

    def receive(self, claim: Claim, files: Mapping[str, bytes]) -> None:
        """Write the files of a run that ended in another process. Raises `StoreError` for files that no run leaves."""
        if RUN not in files or not all(map(is_plain_name, files)):
            raise StoreError(f"What came for {self.path} is no run: its files are {', '.join(files) or 'none'}.")
        with claim.staged(self.path) as stage, replace_folder(self.path, stage, RUN, CHECKPOINTS) as partial:
            for name, content in files.items():
                (partial / name).write_bytes(content)
            claim.check()

    def write_measured(
        self, claim: Claim, measured: Sequence[tuple[MeasurementRecord, Exhibits]], seen: Seen | None = None
    ) -> None:
        """Add measurements to those of the run; only those of the same metric, samples, draws and sampler are replaced.

        `seen` replaces the earlier images and verdicts; None keeps them.
        """
        self._measured.add(claim, measured, seen)

    def record(self) -> RunRecord:
        """The run's definition, status and cost. Raises `StoreError` where the folder holds no run that has ended."""
        return _record_of(self.files, self.files.state((RUN,)))

    def history(self) -> pd.DataFrame:
        """The learning curves: columns run, dataset, model, seed, step, images, term, value."""
        return curves_of([(self.record(), self.curves())])

    def curves(self) -> Curves:
        """The values of every term, by step."""
        record = self.record()
        with readable(self.files.place(HISTORY), TRAIN_AGAIN):
            return read_curves(checked_content(HISTORY, self.files.read(HISTORY), record.files))

    def weights(self) -> dict[str, Tensor]:
        """The weights by role and name. Raises `StoreError` where they were not kept or have changed since."""
        from safetensors.torch import load_file

        self._check_weights_in_full()
        if not self.has_weights:
            raise StoreError(f"{self.path} has no weights: reference results come without. {TRAIN_AGAIN}")
        with readable(self.path / WEIGHTS, TRAIN_AGAIN) as path:
            return load_file(path)

    def measured(self) -> Mapping[str, MeasurementFacts]:
        """Key → the facts about each measurement, without its numbers; {} where their record is damaged."""
        if not self.damage():
            return self.overview().measured
        return {name: MeasurementFacts.of(each) for name, each in self._measured.known().items()}

    @property
    def has_weights(self) -> bool:
        """Whether weights were kept."""
        return stamp_of(self.path / WEIGHTS) is not None

    @property
    def has_whole_exhibits(self) -> bool:
        """Whether the arrays of exhibits are undamaged."""
        return not self.damage() or not _error_of(self.exhibits)

    def has_seen(self, samples: int, drawn_from: str) -> bool:
        """Whether verdicts and the images of sheets were taken from at least so many samples of this source."""
        return self.seen_from() == drawn_from and self._measured.record().seen >= samples

    def seen_from(self) -> str:
        """The source of the samples of verdicts and sheets, 'prior' or a sampler; '' where there are none."""
        if _error_of(self.images) or not self.images():
            return ""
        return self._measured.record().seen_from

    def images(self) -> Images:
        """The images for sheets; {} for a run that diverged."""
        return self._measured.images(self.record().shape)

    def exhibits(self) -> dict[str, Exhibits]:
        """Key of a measurement → the exhibits for its figures, by name; {} for a run that was not measured."""
        return self._measured.exhibits()

    def measurements(self) -> dict[str, MeasurementRecord]:
        """Every measurement by its key."""
        return self._measured.by_key()

    def rows(self, planned: Collection[str] = ()) -> Iterator[dict[str, Any]]:
        """The run's rows, those of its training first, then measurements with the keys `planned`, in their order.

        The column 'measurement' is the key of the measurement that gave the number, '' for training.
        """
        record, measured = self.record(), self._measured.record()
        first = {
            "run": record.id,
            "model": record.label,
            "dataset": record.dataset,
            "networks": record.networks,
            "seed": record.seed,
            "status": record.status,
            "setting": record.setting,
            "health": self.health(),
        }
        rows = chain(training_rows(record), measured_rows(measured.measurements, planned))
        return ({**first, **row} for row in rows)

    def health(self) -> str:
        """'ok', or the faults of the training with the numbers that show them: 'mode collapse: 83% of …; …'."""
        record = self.record()
        found = [f"{verdict}: {numbers}" for verdict, numbers in self._measured.record().health.items()]
        return "; ".join(found) or record.status if record.is_ok else record.status

    def problems(self, keys: Collection[str]) -> dict[str, str]:
        """metric → why it gave no numbers, or not all of them; for the measurements with these keys."""
        found = [each for name, each in self.measurements().items() if name in keys]
        return {each["label"]: each["problem"] for each in found if each["problem"]}

    def check_weights(self) -> None:
        """Raise `StoreError` where the weights have changed since they were written.

        An unchanged stamp of the file is enough here; `weights` checks the hash as well.
        """
        stamp = written_stamp(self.path / WEIGHTS)
        if stamp and stamp != self.record().weights_stamp:
            self._check_weights_in_full()

    def check_history(self) -> None:
        """Raise as `history` does; checked once as long as no file changes."""
        _check_history(self.path, self.files.state((RUN, HISTORY)))

    def check_images(self) -> None:
        """Raise as `images` does, without reading their values."""
        self._measured.check_images(self.record().shape)

    def _training(self) -> Training:
        return _training(self.path, self.files.state((RUN, HISTORY, WEIGHTS)))

    def _check_weights_in_full(self) -> None:
        hashes = self.record().files
        with readable(self.path / WEIGHTS, TRAIN_AGAIN) as path:
            if path.is_file():
                check_hash(WEIGHTS, known_sha256(path), hashes)


def _error_of(*readers: Callable[[], object]) -> str:
    """The error message of the first reader that fails; '' where none does."""
    try:
        for read in readers:
            read()
    except StoreError as error:
        return str(error)
    return ""


@lru_cache(maxsize=4)
def _record_of(files: RunFiles, state: State) -> RunRecord:
    """Read the record once for several requests about one run, as long as the file does not change."""
    if not files.has(RUN):
        step = Checkpoints(files.folder).step()
        if step is not None:
            raise StoreError(
                f"Training is not finished in {files.folder}: there is a checkpoint at step {step}. "
                "`vaegan-bench run` with its study goes on from there."
            )
        raise StoreError(f"{files.folder} holds no run: there is no {RUN} in it.")
    with readable(files.place(RUN), TRAIN_AGAIN):
        return read_run(parse_record(files.read(RUN)))


@cache
def _check_history(path: Path, state: State) -> None:
    RunFolder(path).curves()


@cache
def _training(path: Path, state: State) -> Training:
    """The state of a run's files, determined once as long as no file changes."""
    run = RunFolder(path)
    damage = _error_of(run.check_weights, run.check_history)
    return Training(damage, "" if damage else run.record().data)


@cache
def _overview(path: Path, state: State) -> Overview:
    run = RunFolder(path)
    if damage := _error_of(run.check_history, run.health, run.check_images, run.exhibits):
        return Overview(damage)
    record, measured = run.record(), {name: MeasurementFacts.of(each) for name, each in run.measurements().items()}
    seen_from = run._measured.record().seen_from
    return Overview("", (record.dataset, record.label, record.seed), record.is_ok, seen_from, measured)
