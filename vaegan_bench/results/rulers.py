"""Rulers: the distances of graded distortions from held-out images, by one extractor on one data set."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vaegan_bench.results.files import parse_record, readable, sha256_of_content, write_json
from vaegan_bench.results.stored_files import StoredFiles, archive_damage
from vaegan_bench.system.errors import StoreError
from vaegan_bench.system.files import make_folder
from vaegan_bench.system.plain_data import read_as

RULERS = "rulers"
"""The folder of a study's rulers, and the start of their names in its archive."""
OF_MODELS = ("draws", "sampler", "conditioned_on")
"""Parts of a protocol that distances of distorted images lack."""
CALIBRATE_AGAIN = "`vaegan-bench calibrate` with the study's folder makes it again."


@dataclass(frozen=True, kw_only=True)
class Mark:
    """The metrics on samples, measured on training images distorted at one level against held-out images."""

    level: float
    frechet: float
    kid: float
    precision: float
    recall: float


@dataclass(frozen=True, kw_only=True)
class Scale:
    """One distortion, from its mildest to its strongest level."""

    name: str
    unit: str
    """The unit of a level: 'σ in pixels'."""
    phrase: str
    """A level in words: 'a blur of {} px'."""
    marks: tuple[Mark, ...]


@dataclass(frozen=True, kw_only=True)
class Ruler:
    """The calibration of one extractor on one data set, for one number of images; it gives distances a meaning."""

    dataset: str
    """As tables name it: 'avatars 32×32'."""
    data: str
    """The digest of the images."""
    metric: str
    """The metric that is read on it: 'frechet[oracle]'."""
    extractor: str
    """Its selector."""
    protocol: dict[str, Any]
    """The protocol of the numbers that may be read on it, without the number of draws and the sampler."""
    floor: Mark
    """Training images as they are."""
    scales: tuple[Scale, ...]

    @property
    def file_name(self) -> str:
        """A readable part, then a hash of the comparisons: a repeated calibration has the same name."""
        compared = {scale.name: [mark.level for mark in scale.marks] for scale in self.scales}
        what = {"data": self.data, "metric": self.metric, "protocol": self.protocol, "compared": compared}
        readable_part = "-".join(map(_plain, (self.dataset, self.extractor)))
        return f"{readable_part}-{sha256_of_content(what)[:8]}.json"

    def fits(self, dataset: str, metric: str, protocol: Mapping[str, Any]) -> bool:
        """Whether a number of this metric and protocol on this data set may be read on it."""
        alone = {key: value for key, value in protocol.items() if key not in OF_MODELS}
        return (dataset, metric, alone) == (self.dataset, self.metric, self.protocol)

    def is_of(self, dataset: str, protocol: Mapping[str, Any]) -> bool:
        """Whether a number of this protocol was measured with the ruler's extractor and weights, on its data set."""
        keys = ("extractor", "weights", "resize", "dtype")
        return dataset == self.dataset and all(protocol.get(key) == self.protocol[key] for key in keys)

    def has_counts_of(self, protocol: Mapping[str, Any]) -> bool:
        """Whether it was made on as many images as a number of this protocol, as far as that states them."""
        counts = {key: self.protocol[key] for key in ("n_real", "n_fake", "split") if key in self.protocol}
        return all(protocol.get(key, known) == known for key, known in counts.items())


def write_ruler(study: Path, ruler: Ruler) -> Path:
    """Write a ruler into a study's folder, whole or not at all; return its path. Raises `StoreError`."""
    path = study / RULERS / ruler.file_name
    make_folder(path.parent)
    write_json(path, asdict(ruler))
    return path


class StoredRulers:
    """The rulers in a study's folder, or in its archive."""

    def __init__(self, study: Path) -> None:
        self.files = StoredFiles(study / RULERS, hides="")

    def read(self) -> list[Ruler]:
        """All rulers that are undamaged."""
        return [found for _, found in self._all() if isinstance(found, Ruler)]

    def damaged(self) -> list[str]:
        """For each other ruler, why it cannot be read; likewise for their folder and the archive."""
        return [found for _, found in self._all() if isinstance(found, str)]

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """Name and content of each undamaged ruler, as an archive holds them."""
        for name, found in self._all():
            if isinstance(found, Ruler):
                yield f"{RULERS}/{name}", self.files.read(name)

    def _all(self) -> Iterator[tuple[str, Ruler | str]]:
        if damage := archive_damage(self.files.archive):
            yield "", damage
        try:
            names = self.files.names(".json")
        except StoreError as error:
            names = []
            yield "", str(error)
        for name in names:
            try:
                with readable(self.files.place(name), CALIBRATE_AGAIN):
                    yield name, read_as(Ruler, parse_record(self.files.read(name)))
            except StoreError as error:
                yield name, str(error)


def _plain(text: str) -> str:
    return "-".join(re.findall(r"[A-Za-z0-9.]+", text))[:40]
