"""The files that training left in the folder of a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from vaegan_bench.results.checkpoints import CHECKPOINTS, Checkpoints
from vaegan_bench.results.files import check_hash, checked_content, error_of, parse_record, readable, write_json
from vaegan_bench.results.history import Curves, read_curves
from vaegan_bench.results.records import RunRecord, read_run
from vaegan_bench.results.stored_files import RUN, Stamps, StoredFiles
from vaegan_bench.system.claims import Claim
from vaegan_bench.system.errors import StoreError
from vaegan_bench.system.files import has_stamp, known_sha256, replace_folder, sha256_of_file, stamp_of, written_stamp

if TYPE_CHECKING:
    from torch import Tensor

HISTORY, WEIGHTS = "history.csv", "weights.safetensors"
TRAIN_AGAIN = "Train the run again: `vaegan-bench run` with its study does so, or remove the folder."


@contextmanager
def replaced_run(path: Path, claim: Claim) -> Iterator[Path]:
    """A folder to write all files of a run to; at the end they replace those in `path`, and checkpoints are removed.

    Raises `StoreError` where they cannot be written, and `ClaimLostError` where the claim is lost.
    """
    with claim.staged(path) as stage, replace_folder(path, stage, RUN, CHECKPOINTS) as partial:
        yield partial
        claim.check()


@dataclass(frozen=True)
class Training:
    """The state of the files that training left."""

    damage: str
    """Why they are of no use; '' where they are intact."""
    data: str
    """The digest of the data; '' where the files are damaged."""


@dataclass(frozen=True)
class TrainedFiles:
    """run.json, history.csv and weights.safetensors of a run; the weights may have been removed."""

    path: Path

    @property
    def files(self) -> StoredFiles:
        """The files of the run."""
        return StoredFiles(self.path)

    @property
    def data(self) -> str:
        """The digest of the data that the run was trained on; '' where a file is damaged."""
        return self._known().data

    def damage(self) -> str:
        """Why the files are of no use; '' where they are undamaged."""
        return self._known().damage

    @property
    def has_weights(self) -> bool:
        """Whether weights were kept."""
        return stamp_of(self.path / WEIGHTS) is not None

    def write(
        self, claim: Claim, record: RunRecord, history: list[dict[str, float]], weights: dict[str, Tensor]
    ) -> None:
        """Write the files, whole or not at all; they replace those of an earlier training, and its measurements.

        Checkpoints are removed only after that.
        """
        from safetensors.torch import save

        with replaced_run(self.path, claim) as partial:
            columns = list(dict.fromkeys(["step", *(name for row in history for name in row)]))
            pd.DataFrame(history, columns=columns).to_csv(partial / HISTORY, index=False)
            (partial / WEIGHTS).write_bytes(save(weights))
            hashes = {name: sha256_of_file(partial / name) for name in (HISTORY, WEIGHTS)}
            stamps = {name: stamp for name in hashes if (stamp := written_stamp(partial / name))}
            write_json(partial / RUN, asdict(replace(record, files=hashes, stamps=stamps)))

    def record(self) -> RunRecord:
        """The run's definition, status and cost. Raises `StoreError` where the folder holds no run that has ended."""
        return _record_of(self.files, self.files.stamps((RUN,)))

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
            is_here = stamp_of(self.path / RUN) is not None
            again = f"remove {self.path}, then run its study" if is_here else "run its study with other --results"
            raise StoreError(
                f"{self.path} has no weights: reference results come without. To train the run again, {again}."
            )
        with readable(self.path / WEIGHTS, TRAIN_AGAIN) as path:
            return load_file(path)

    def check_weights(self) -> None:
        """Raise `StoreError` where the weights have changed since they were written.

        An unchanged stamp of the file is enough here; `weights` checks the hash as well.
        """
        if self.has_weights and not has_stamp(self.path / WEIGHTS, self.record().stamps):
            self._check_weights_in_full()

    def check_history(self) -> None:
        """Raise as `curves` does, where the history has changed since it was written; checked once for each change."""
        _check_history(self.path, self.files.stamps((RUN, HISTORY)))

    def _known(self) -> Training:
        return _known_of(self.path, self.files.stamps((RUN, HISTORY, WEIGHTS)))

    def _check_weights_in_full(self) -> None:
        hashes = self.record().files
        with readable(self.path / WEIGHTS, TRAIN_AGAIN) as path:
            if path.is_file():
                check_hash(WEIGHTS, known_sha256(path), hashes)


@lru_cache(maxsize=4)
def _record_of(files: StoredFiles, stamps: Stamps) -> RunRecord:
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
def _check_history(path: Path, stamps: Stamps) -> None:
    trained = TrainedFiles(path)
    if not has_stamp(path / HISTORY, trained.record().stamps):
        trained.curves()


@cache
def _known_of(path: Path, stamps: Stamps) -> Training:
    """The state of the files, determined once as long as none changes."""
    trained = TrainedFiles(path)
    damage = error_of(trained.check_weights, trained.check_history)
    return Training(damage, "" if damage else trained.record().data)
