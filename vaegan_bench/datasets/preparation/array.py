"""Prepare images: part by part into one array, which an interruption leaves to be continued."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import PIL

from vaegan_bench.datasets.arrays import Pixels, Recipe, array_of, keep, read_array, write_manifest
from vaegan_bench.datasets.preparation.parts import (
    CHANNELS,
    Part,
    Task,
    close_gaps,
    decode,
    make_part,
    read_journal,
    readable,
)
from vaegan_bench.datasets.preparation.reading import refuse_many
from vaegan_bench.datasets.preparation.sources import Source
from vaegan_bench.datasets.preparation.treatment import Treatment, treat
from vaegan_bench.datasets.preparation.workers import crew, useful_workers
from vaegan_bench.system.code import code_behind
from vaegan_bench.system.disk_space import check_space

if TYPE_CHECKING:
    from vaegan_bench.api import Progress

PART = 2000
"""Images of a part: a few seconds of work, which is what an interruption can cost."""
WORTH = 500
"""Images for which a process is worth its start."""


@dataclass(frozen=True)
class Prepared:
    """What a preparation ended in."""

    pixels: Pixels
    """(N, 3, size, size), mapped from the file."""
    kept_N: npt.NDArray[np.int64]
    """Which of the sources it holds."""
    sha256: str
    """Of the pixels."""
    left_out: Mapping[str, str]
    """Images that could not be read, or were not to be used, with the reason."""


def prepare(
    name: str,
    sources: Sequence[Source],
    treatment: Treatment,
    folder: Path,
    progress: Progress,
    left_out: Mapping[str, str] | None = None,
    workers: int | None = None,
) -> Prepared:
    """The images of `sources` after a treatment, in their order: read from `folder`, or decoded and kept there.

    `left_out` names images that were not to be used, with the reason, for the manifest. Images that could not be
    read are tried again every time. Several processes may do this at once: one works, the others wait. Raises
    `DataError` where more than 1 % of the images cannot be read, or where nothing can be written, and `StoreError`
    where there is too little space.
    """
    wanted = Preparation(name, sources, treatment, recipe_of(sources, treatment, left_out or {}))
    array = array_of(folder, wanted.recipe)
    return keep(
        name,
        array,
        read=lambda: wanted.read(array),
        make=lambda: wanted.make(array, progress, workers or useful_workers(len(sources), WORTH)),
        waiting=lambda: progress(f"waiting for another process that prepares {name}", 0, len(sources)),
    )


def recipe_of(sources: Sequence[Source], treatment: Treatment, left_out: Mapping[str, str]) -> Recipe:
    """What decides a preparation; the place of the sources is no part of it."""
    listed = "\n".join(f"{source.name} {source.stamp}" for source in sources)
    return {
        "treatment": treatment._asdict(),
        "code": code_behind(treat).digest,
        "pillow": PIL.__version__,
        "images": len(sources),
        "sources": hashlib.sha256(listed.encode()).hexdigest(),
        "left_out": left_out,
    }


class Preparation(NamedTuple):
    """What is to be prepared."""

    name: str
    sources: Sequence[Source]
    treatment: Treatment
    recipe: Recipe

    def shape(self, images: int) -> tuple[int, int, int, int]:
        """The shape of an array of so many images."""
        return images, CHANNELS, self.treatment.size, self.treatment.size

    def read(self, array: Path) -> Prepared | None:
        """What lies on disk, unless an image that it lacks can be read now: a repaired file may look as before."""
        if (found := read_array(array, self.recipe)) is None:
            return None
        skipped = found.manifest.get("skipped", {})
        kept_N = np.array(readable(self.sources, skipped), np.int64)
        lacking = [source for source in self.sources if source.name in skipped]
        if found.pixels.shape != self.shape(len(kept_N)) or decode(lacking, self.treatment).made:
            return None
        return Prepared(found.pixels, kept_N, found.manifest["sha256"], {**skipped, **self.recipe["left_out"]})

    def make(self, array: Path, progress: Progress, workers: int) -> None:
        """Decode all images, or those that an interrupted attempt has left, and put the array in place."""
        file, journal = array.with_suffix(".unfinished"), array.with_suffix(".journal")
        known = read_journal(journal) if file.exists() else {}
        to_come = len(self.sources) - sum(part.images for part in known.values())
        check_space(array.parent, math.prod(self.shape(to_come)), f"Preparing {self.name}", "--cache-dir")
        file.touch()
        starts = range(0, len(self.sources), PART)
        tasks = [Task(file, i, self.sources[i : i + PART], self.treatment, known.get(i)) for i in starts]
        with crew(workers, self.name) as spread, journal.open("a", encoding="utf-8") as log:
            skipped = self._follow(spread(make_part, tasks), log, progress)
        kept = readable(self.sources, skipped)
        close_gaps(file, kept, self.shape(len(self.sources)))
        file.replace(array)
        write_manifest(array, self.recipe, shape=self.shape(len(kept)), skipped=skipped)
        journal.unlink()

    def _follow(self, parts: Iterable[Part], log: IO[str], progress: Progress) -> dict[str, str]:
        """Note parts as they are finished, until one image in a hundred was unreadable; all that were skipped."""
        done, skipped = 0, dict[str, str]()
        progress(f"preparing {self.name}", 0, len(self.sources))
        for part in parts:
            print(json.dumps(part), file=log, flush=True)
            done += part.images
            skipped.update(part.skipped)
            refuse_many(skipped, done, len(self.sources), self.name)
            progress(f"preparing {self.name}", done, len(self.sources))
        return skipped
