"""The measurements of one run: the numbers of every metric and protocol, with arrays for figures."""

from __future__ import annotations

import hashlib
import io
import shlex
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from vaegan_bench.results.exhibits import decode, encode
from vaegan_bench.results.files import (
    Arrays,
    checked_content,
    parse_record,
    read_arrays,
    read_forms,
    readable,
    write_arrays,
    write_json,
)
from vaegan_bench.results.records import (
    MeasurementRecord,
    MetricsRecord,
    is_plain_name,
    measurement_key,
    read_metrics,
)
from vaegan_bench.results.stored_files import Stamps, StoredFiles
from vaegan_bench.system.claims import Claim
from vaegan_bench.system.errors import StoreError
from vaegan_bench.system.exhibits import Array, Exhibits, check_form_of_images
from vaegan_bench.system.files import has_stamp, remove, replace_file, written_stamp

Images = Mapping[str, np.ndarray[Any, np.dtype[Any]]]
"""'samples', 'originals', 'reconstructions' → (N, H, W, C) uint8; a GAN has no reconstructions.

'conditions' → (N, A) float32, the conditions of the originals; for conditional models only.
"""
CONDITIONS = "conditions"
METRICS = "metrics.json"
EXHIBITS, IMAGES = "exhibits", "images"
"""The names of array files begin so; a part of the hash follows, so that new files never replace recorded ones."""
LOOKS = 2
"""How often to look for arrays: another process may replace the record and remove its arrays in between."""


@dataclass(frozen=True)
class Sheets:
    """The images of sheets and the verdicts, which show how a training went, independent of the metrics."""

    samples: int
    """The number of samples from which they were taken, at most."""
    drawn_from: str
    """The source of the codes of these samples: 'prior', or the selector of a sampler."""
    images: Images
    health: Mapping[str, str]
    """Verdict → the numbers that decided it."""


@dataclass(frozen=True)
class Measurements:
    """metrics.json of a run, and the arrays that it names: exhibits-HASH.npz and images-HASH.npz."""

    path: Path

    @property
    def files(self) -> StoredFiles:
        """The files of the run."""
        return StoredFiles(self.path)

    def record(self) -> MetricsRecord:
        """All measurements, the verdicts, and the hashes of the arrays; empty where nothing was measured."""
        return _record_of(self, self.files.stamps((METRICS,)))

    def by_key(self) -> dict[str, MeasurementRecord]:
        """Every measurement by its key."""
        return {measurement_key(measurement): measurement for measurement in self.record().measurements}

    def exhibits(self) -> dict[str, Exhibits]:
        """Key of a measurement → the exhibits for its figures, by name."""
        found: dict[str, dict[str, Array]] = {}
        with readable(self.place(EXHIBITS), self.remedy):
            content = self._content(EXHIBITS)
            for at, array in read_arrays(content).items() if content else ():
                measurement, _, name = at.partition("/")
                found.setdefault(measurement, {})[name] = array
            return {measurement: decode(arrays) for measurement, arrays in found.items()}

    def images(self, shape: Sequence[int]) -> Images:
        """The images for sheets, of a run whose data have this `shape` (C, H, W); {} for one that diverged."""
        with readable(self.place(IMAGES), self.remedy):
            content = self._content(IMAGES)
            self._check_images(content, shape)
            return read_arrays(content) if content else {}

    def check(self, shape: Sequence[int]) -> None:
        """Raise as `exhibits` and `images` do, for arrays that have changed since they were written.

        The values of images are not read: the hash of their file shows that they are unchanged.
        """
        record = self.record()
        if self._has_changed(EXHIBITS, record):
            self.exhibits()
        if self._has_changed(IMAGES, record):
            with readable(self.place(IMAGES), self.remedy):
                self._check_images(self._content(IMAGES), shape)

    def _has_changed(self, kind: str, record: MetricsRecord) -> bool:
        name = _name_in(record.files, kind)
        return bool(name) and not has_stamp(self.path / name, record.stamps)

    def _check_images(self, content: io.BytesIO | None, shape: Sequence[int]) -> None:
        channels, *side = shape
        forms = dict(read_forms(content)) if content else {}
        given = forms.pop(CONDITIONS, None)
        if given and (given.dtype != np.float32 or len(given.shape) != 2):
            raise ValueError(f"'{CONDITIONS}' are {given.dtype} {given.shape}")
        for name, form in forms.items():
            check_form_of_images(name, form.dtype, form.shape, 4)
            if form.shape[1:] != (*side, channels):
                raise ValueError(f"'{name}' holds images of {form.shape[1:]}, not of {(*side, channels)}")
        if forms and not {"samples", "originals"} <= set(forms):
            raise ValueError("'samples' or 'originals' are not there")

    def place(self, kind: str) -> Path:
        """The path of the arrays of a kind, which may not exist. Raises `StoreError` where the record is damaged."""
        return self.path / (_name_in(self._files(), kind) or f"{kind}.npz")

    def add(self, claim: Claim, measured: Sequence[tuple[MeasurementRecord, Exhibits]], sheets: Sheets | None) -> None:
        """Add measurements to those of the run; only those of the same metric, samples, draws and sampler are replaced.

        `sheets` replaces the earlier images and verdicts; None keeps them. Damaged parts are dropped, and measured
        again on demand. The record is replaced last, by one rename, when the arrays that it names are written: until
        then, the old measurements stand.
        """
        known, exhibits = self.known(), self._known_exhibits()
        for record, shown in measured:
            name = measurement_key(record)
            known[name] = record
            exhibits[name] = shown
        before = MetricsRecord() if sheets else self.record()
        arrays = {f"{at}/{name}": array for at, each in exhibits.items() for name, array in encode(each).items()}
        files = self._write_arrays(EXHIBITS, arrays)
        if sheets:
            files |= self._write_arrays(IMAGES, sheets.images)
        stamps = {name: stamp for name in files if (stamp := written_stamp(self.path / name))}
        if not sheets and (images := _name_in(before.files, IMAGES)):
            files[images] = before.files[images]
            stamps |= {name: stamp for name, stamp in before.stamps.items() if name == images}
        content = MetricsRecord(
            measurements=list(known.values()),
            seen=sheets.samples if sheets else before.seen,
            seen_from=sheets.drawn_from if sheets else before.seen_from,
            health=dict(sheets.health) if sheets else before.health,
            files=files,
            stamps=stamps,
        )
        with claim.staged(self.path / METRICS) as stage:
            write_json(self.path / METRICS, asdict(content), stage)
        claim.check()  # the arrays of a process that took the run over must stay
        for path in self.path.glob("*.npz"):
            if path.name not in files:
                remove(path)

    def known(self) -> dict[str, MeasurementRecord]:
        """Every measurement by its key; none where their record is damaged."""
        try:
            return self.by_key()
        except StoreError:
            return {}

    def _known_exhibits(self) -> dict[str, Exhibits]:
        """The exhibits of every measurement by its key; none where their file is damaged."""
        try:
            return self.exhibits()
        except StoreError:
            return {}

    @property
    def remedy(self) -> str:
        """What to do where one of the files is damaged."""
        command = f"vaegan-bench evaluate {shlex.quote(str(self.path))}"
        return f"Measure the run again: `vaegan-bench run` with its study does so, or `{command}`."

    def _content(self, kind: str) -> io.BytesIO | None:
        """The content of the file of a kind of arrays, checked by its hash; None where there is no file."""
        for _ in range(LOOKS if self.path.is_dir() else 1):
            files = self._files()
            name = _name_in(files, kind)
            with suppress(FileNotFoundError):
                if name and self.files.has(name):
                    return checked_content(name, self.files.read(name), files)
        return None

    def _files(self) -> Mapping[str, str]:
        """The names and hashes of the arrays."""
        return _files_of(self, self.files.stamps((METRICS,)))

    def _write_arrays(self, kind: str, arrays: Arrays) -> dict[str, str]:
        """Write the arrays of a kind beside older ones; return {file name: hash}, as a record holds them."""
        stream = io.BytesIO()
        write_arrays(stream, arrays)
        digest = hashlib.sha256(stream.getbuffer()).hexdigest()
        name = f"{kind}-{digest[:8]}.npz"
        with replace_file(self.path / name) as partial:
            partial.write_bytes(stream.getbuffer())
        return {name: digest}


def _name_in(files: Iterable[str], kind: str) -> str:
    """The name of the file of arrays of a kind among the files of a record; '' where there is none."""
    return next((name for name in files if name.startswith(kind) and is_plain_name(name)), "")


@cache
def _files_of(measurements: Measurements, stamps: Stamps) -> Mapping[str, str]:
    """The arrays that a record names, known for all runs: of many runs, whole records would take too much memory."""
    return _record_of(measurements, stamps).files


@lru_cache(maxsize=4)
def _record_of(measurements: Measurements, stamps: Stamps) -> MetricsRecord:
    """Read the record once for several requests about one run, as long as the file does not change."""
    files = measurements.files
    if not files.has(METRICS):
        return MetricsRecord()
    with readable(files.place(METRICS), measurements.remedy):
        return read_metrics(parse_record(files.read(METRICS)))
