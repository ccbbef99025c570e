"""Rulers: how far graded distortions of images are from held-out ones, as one extractor sees them on one data set."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vaegan_bench.results.files import parse_record, readable, sha256_of_content, write_json
from vaegan_bench.results.run_files import RunFiles
from vaegan_bench.system.errors import StoreError
from vaegan_bench.system.plain_data import read_as

RULERS = "rulers"
"""The folder of a study's rulers, and how their names begin in its archive."""
CALIBRATE_AGAIN = "`vaegan-bench calibrate` with the study's folder makes it again."


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What the metrics on samples say of training images, distorted by a level, beside held-out images."""

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
    """What a level is: 'σ in pixels'."""
    phrase: str
    """How a level is said: 'a blur of {} px'."""
    marks: tuple[Mark, ...]


@dataclass(frozen=True, kw_only=True)
class Ruler:
    """The calibration of one extractor on one data set: what its distances mean there, for one number of images."""

    dataset: str
    """As tables name it: 'avatars 32×32'."""
    data: str
    """The digest of the images."""
    metric: str
    """The column that it is for: 'frechet[oracle]'."""
    extractor: str
    """Its selector."""
    protocol: dict[str, Any]
    """That of the numbers which may be read on it, without the number of draws, and whatever they are drawn from."""
    floor: Mark
    """Training images as they are."""
    scales: tuple[Scale, ...]

    @property
    def file_name(self) -> str:
        """Readable first, then a hash of what was compared; another calibration of the same has the same name."""
        compared = {scale.name: [mark.level for mark in scale.marks] for scale in self.scales}
        what = {"data": self.data, "metric": self.metric, "protocol": self.protocol, "compared": compared}
        readable_part = "-".join(map(_plain, (self.dataset, self.extractor)))
        return f"{readable_part}-{sha256_of_content(what)[:8]}.json"

    def fits(self, dataset: str, metric: str, protocol: Mapping[str, Any]) -> bool:
        """Whether a number of this column and protocol may be read on it."""
        alone = {key: value for key, value in protocol.items() if key not in ("draws", "sampler")}
        return (dataset, metric, alone) == (self.dataset, self.metric, self.protocol)

    def is_of(self, dataset: str, protocol: Mapping[str, Any]) -> bool:
        """Whether a number of this protocol was measured through its extractor, with its weights, on its data set."""
        keys = ("extractor", "weights", "resize", "dtype")
        return dataset == self.dataset and all(protocol.get(key) == self.protocol[key] for key in keys)


def write_ruler(study: Path, ruler: Ruler) -> Path:
    """Write a ruler into a study's folder, whole or not at all; return its path."""
    path = study / RULERS / ruler.file_name
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, asdict(ruler))
    return path


class StoredRulers:
    """The rulers in a study's folder, or in its archive."""

    def __init__(self, study: Path) -> None:
        self.files = RunFiles(study / RULERS)

    def read(self) -> list[Ruler]:
        """All that are whole."""
        return [found for _, found in self._all() if isinstance(found, Ruler)]

    def damaged(self) -> list[str]:
        """Why the others cannot be read."""
        return [found for _, found in self._all() if isinstance(found, str)]

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """Name and content of each that is whole, as an archive holds them."""
        for name, found in self._all():
            if isinstance(found, Ruler):
                yield f"{RULERS}/{name}", self.files.read(name)

    def _all(self) -> Iterator[tuple[str, Ruler | str]]:
        for name in self.files.names(".json"):
            try:
                with readable(self.files.place(name), CALIBRATE_AGAIN):
                    yield name, read_as(Ruler, parse_record(self.files.read(name)))
            except StoreError as error:
                yield name, str(error)


def _plain(text: str) -> str:
    return "-".join(re.findall(r"[A-Za-z0-9.]+", text))[:40]
