"""What was measured on one run: the numbers of every metric by every protocol, with arrays for figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from vaegan_bench.api import Exhibits, StoreError
from vaegan_bench.results.exhibits import check_exhibits, check_images
from vaegan_bench.results.files import read_arrays, read_json, readable, write_arrays, write_json
from vaegan_bench.results.rows import key
from vaegan_bench.results.shapes import MeasurementRecord, MetricsRecord, check_metrics
from vaegan_bench.system.files import known_sha256, whole_file

Images = Mapping[str, np.ndarray[Any, np.dtype[np.uint8]]]
"""'samples', 'originals', 'reconstructions' → (N, H, W, C) uint8; a GAN has no reconstructions."""
METRICS, EXHIBITS, IMAGES = "metrics.json", "exhibits.npz", "images.npz"
NOTHING: MetricsRecord = {"measurements": [], "seen": 0, "health": {}, "files": {}}


@dataclass(frozen=True)
class Seen:
    """What shows how a training went, whatever is measured."""

    samples: int
    """From how many samples it was taken, at most."""
    images: Images
    health: Mapping[str, str]
    """Verdict → the numbers that decided it."""


class Measurements:
    """metrics.json, exhibits.npz and images.npz in a run's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def record(self) -> MetricsRecord:
        """All measurements, the verdicts, and the hashes of the arrays; empty where nothing was measured."""
        path = self.path / METRICS
        if not path.is_file():
            return NOTHING
        record = read_json(path, self._remedy)
        with readable(path, self._remedy):
            check_metrics(record)
        return cast(MetricsRecord, record)

    def by_key(self) -> dict[str, MeasurementRecord]:
        """Every measurement by its key."""
        return {key(measurement): measurement for measurement in self.record()["measurements"]}

    def exhibits(self) -> dict[str, Exhibits]:
        """Key of a measurement → what figures are drawn from, by name."""
        found: dict[str, dict[str, Any]] = {}
        with readable(self.path / EXHIBITS, self._remedy) as path:
            for at, array in read_arrays(path, self.record()["files"]).items():
                measurement, _, name = at.partition("/")
                found.setdefault(measurement, {})[name] = array
            for exhibits in found.values():
                check_exhibits(exhibits)
        return dict(found)

    def images(self, shape: Sequence[int]) -> Images:
        """What sheets are made from, of a run whose data have this `shape` (C, H, W); {} for one that diverged."""
        channels, *side = shape
        with readable(self.path / IMAGES, self._remedy) as path:
            arrays = read_arrays(path, self.record()["files"])
            for name, array in arrays.items():
                check_images(name, array, 4)
                if array.shape[1:] != (*side, channels):
                    raise ValueError(f"'{name}' holds images of {array.shape[1:]}, not of {(*side, channels)}")
            if arrays and not {"samples", "originals"} <= set(arrays):
                raise ValueError("'samples' or 'originals' are not there")
        return arrays

    def add(self, measured: Sequence[tuple[MeasurementRecord, Exhibits]], seen: Seen | None) -> None:
        """Add measurements to those that are here; only one of the same metric, samples and draws is replaced.

        `seen` replaces what was seen before. What is damaged is dropped: it is measured again when it is asked for.
        """
        known, arrays = self.known(), dict(self.arrays() or {})
        for record, exhibits in measured:
            name = key(record)
            known[name] = record
            arrays = {at: array for at, array in arrays.items() if at.partition("/")[0] != name}
            arrays |= {f"{name}/{exhibit}": array for exhibit, array in exhibits.items()}
        before = NOTHING if seen else self.record()
        with whole_file(self.path / EXHIBITS) as partial:
            write_arrays(partial, arrays)
        if seen:
            with whole_file(self.path / IMAGES) as partial:
                write_arrays(partial, seen.images)
        there = [name for name in (EXHIBITS, IMAGES) if (self.path / name).is_file()]
        content: MetricsRecord = {
            "measurements": list(known.values()),
            "seen": seen.samples if seen else before["seen"],
            "health": dict(seen.health) if seen else before["health"],
            "files": {name: known_sha256(self.path / name) for name in there},
        }
        write_json(self.path / METRICS, content)

    @property
    def _remedy(self) -> str:
        return (
            f"Measure the run again: `vaegan-bench run` with its study does so, or `vaegan-bench evaluate {self.path}`."
        )

    def known(self) -> dict[str, MeasurementRecord]:
        """Every measurement by its key; none where their record is damaged."""
        try:
            return self.by_key()
        except StoreError:
            return {}

    def arrays(self) -> Exhibits | None:
        """Every array by its measurement's key and its name; None where their file is damaged."""
        try:
            return {f"{at}/{name}": array for at, kept in self.exhibits().items() for name, array in kept.items()}
        except StoreError:
            return None
