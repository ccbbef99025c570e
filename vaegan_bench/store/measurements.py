"""What was measured on one run: the numbers of every metric by every protocol, with arrays for figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from vaegan_bench.api import Exhibits, Metric, StoreError
from vaegan_bench.evaluation.exhibits import check_exhibits, check_images
from vaegan_bench.evaluation.measuring import MeasurementRecord, Protocol, plain_definition
from vaegan_bench.runs import code_of
from vaegan_bench.store.files import read_arrays, read_json, readable, sha256_of, whole_file, write_arrays, write_json
from vaegan_bench.store.rows import key
from vaegan_bench.store.shapes import MetricsRecord, check_metrics, key_of

Pictures = Mapping[str, np.ndarray[Any, np.dtype[np.uint8]]]
"""'samples', 'originals', 'reconstructions' → (N, H, W, C) uint8; a GAN has no reconstructions."""
METRICS, EXHIBITS, PICTURES = "metrics.json", "exhibits.npz", "pictures.npz"
NOTHING: MetricsRecord = {"measurements": [], "seen": 0, "health": {}, "files": {}}


@dataclass(frozen=True)
class Seen:
    """What shows how a training went, whatever is measured."""

    samples: int
    """From how many samples it was taken, at most."""
    pictures: Pictures
    health: Mapping[str, str]
    """Verdict → the numbers that decided it."""


class Measurements:
    """metrics.json, exhibits.npz and pictures.npz in a run's folder."""

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

    def pictures(self, shape: Sequence[int]) -> Pictures:
        """What sheets are made from, of a run whose data have this `shape` (C, H, W); {} for one that diverged."""
        channels, *side = shape
        with readable(self.path / PICTURES, self._remedy) as path:
            arrays = read_arrays(path, self.record()["files"])
            for name, array in arrays.items():
                check_images(name, array, 4)
                if array.shape[1:] != (*side, channels):
                    raise ValueError(f"'{name}' holds images of {array.shape[1:]}, not of {(*side, channels)}")
            if arrays and not {"samples", "originals"} <= set(arrays):
                raise ValueError("'samples' or 'originals' are not there")
        return arrays

    def missing(self, protocol: Protocol, weights: Mapping[str, str]) -> list[Metric]:
        """The metrics of a protocol that are not here as it asks, by today's code, without a problem.

        Nor through extractors that have other hashes than `weights`.
        """
        known, arrays_are_whole = self._known(), self._arrays() is not None
        asked = {metric: known.get(_key(metric, protocol)) for metric in protocol.metrics}
        return [
            metric
            for metric, found in asked.items()
            if found is None
            or found["problem"]
            or found["code"] != code_of([metric]).parts
            or (found["exhibits"] and not arrays_are_whole)
            or _differ(found["weights"], weights)
        ]

    def have_other_weights(self, protocol: Protocol, weights: Mapping[str, str]) -> bool:
        """Whether a metric of a protocol was measured through extractors with other hashes than `weights`."""
        found = map(self._known().get, (_key(metric, protocol) for metric in protocol.metrics))
        return any(_differ(each["weights"], weights) for each in found if each is not None)

    def add(self, measured: Sequence[tuple[MeasurementRecord, Exhibits]], seen: Seen | None) -> None:
        """Add measurements to those that are here; only one of the same metric, samples and draws is replaced.

        `seen` replaces what was seen before. What is damaged is dropped: it is measured again when it is asked for.
        """
        known, arrays = self._known(), dict(self._arrays() or {})
        for record, exhibits in measured:
            name = key(record)
            known[name] = record
            arrays = {at: array for at, array in arrays.items() if at.partition("/")[0] != name}
            arrays |= {f"{name}/{exhibit}": array for exhibit, array in exhibits.items()}
        before = NOTHING if seen else self.record()
        with whole_file(self.path / EXHIBITS) as partial:
            write_arrays(partial, arrays)
        if seen:
            with whole_file(self.path / PICTURES) as partial:
                write_arrays(partial, seen.pictures)
        there = [name for name in (EXHIBITS, PICTURES) if (self.path / name).is_file()]
        content: MetricsRecord = {
            "measurements": list(known.values()),
            "seen": seen.samples if seen else before["seen"],
            "health": dict(seen.health) if seen else before["health"],
            "files": {name: sha256_of(self.path / name) for name in there},
        }
        write_json(self.path / METRICS, content)

    @property
    def _remedy(self) -> str:
        return (
            f"Measure the run again: `vaegan-bench run` with its study does so, or `vaegan-bench evaluate {self.path}`."
        )

    def _known(self) -> dict[str, MeasurementRecord]:
        """Every measurement by its key; none where their record is damaged."""
        try:
            return self.by_key()
        except StoreError:
            return {}

    def _arrays(self) -> Exhibits | None:
        """Every array by its measurement's key and its name; None where their file is damaged."""
        try:
            return {f"{at}/{name}": array for at, kept in self.exhibits().items() for name, array in kept.items()}
        except StoreError:
            return None


def _key(metric: Metric, protocol: Protocol) -> str:
    return key_of(plain_definition(metric), protocol.samples, protocol.draws)


def _differ(recorded: Mapping[str, str], known: Mapping[str, str]) -> bool:
    return any(known.get(extractor, weights) != weights for extractor, weights in recorded.items())
