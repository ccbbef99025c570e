"""Prepare images part by part into one array; after an interruption, the next attempt continues it."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import PIL

from vaegan_bench.datasets.arrays import Pixels, Recipe, array_of, keep, read_array, write_manifest
from vaegan_bench.datasets.preparation.reading import Images, read_images, read_parts
from vaegan_bench.datasets.preparation.sources import Source
from vaegan_bench.datasets.preparation.treatment import Treatment, treat
from vaegan_bench.system.code import code_behind
from vaegan_bench.system.disk_space import check_space

if TYPE_CHECKING:
    from vaegan_bench.api import Progress

PART = 2000
"""Images of a part: a few seconds of work, the most that an interruption loses."""
CHANNELS = 3


@dataclass(frozen=True)
class Prepared:
    """The result of a preparation."""

    pixels: Pixels
    """(N, 3, size, size), mapped from the file."""
    kept_N: npt.NDArray[np.int64]
    """The places of the sources that `pixels` holds."""
    sha256: str
    """The hash of the pixels."""
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
        make=lambda: wanted.make(array, progress, workers),
        waiting=lambda: progress(f"waiting for another process that prepares {name}", 0, len(sources)),
    )


def recipe_of(sources: Sequence[Source], treatment: Treatment, left_out: Mapping[str, str]) -> Recipe:
    """All that decides a preparation, with the path of every file: equal sizes and times do not mean equal content."""
    folders = {folder: os.path.realpath(folder) for folder in {os.path.dirname(source.file) for source in sources}}
    listed = "\n".join(f"{source.name} {_real_path(source.file, folders)} {source.stamp}" for source in sources)
    return {
        "treatment": treatment._asdict(),
        "code": code_behind(treat).digest,
        "pillow": PIL.__version__,
        "images": len(sources),
        "sources": sha256(listed.encode()).hexdigest(),
        "left_out": left_out,
    }


def _real_path(file: str, folders: Mapping[str, str]) -> str:
    """The path of a file in the folder to which links lead, by `folders`: once per folder, as images are many."""
    folder, name = os.path.split(file)
    return os.path.join(folders[folder], name)


class Preparation(NamedTuple):
    """The images to prepare, and how."""

    name: str
    sources: Sequence[Source]
    treatment: Treatment
    recipe: Recipe

    def shape(self, images: int) -> tuple[int, int, int, int]:
        """The shape of an array of `images` images."""
        return images, CHANNELS, self.treatment.size, self.treatment.size

    def read(self, array: Path) -> Prepared | None:
        """The array on disk; None where it is absent, or lacks an image that can be read now, after a repair."""
        if (found := read_array(array, self.recipe)) is None:
            return None
        skipped = found.manifest.get("skipped", {})
        kept_N = np.array(readable(self.sources, skipped), np.int64)
        lacking = [source for source in self.sources if source.name in skipped]
        if found.pixels.shape != self.shape(len(kept_N)) or decode(self.treatment, lacking).made:
            return None
        return Prepared(found.pixels, kept_N, found.manifest["sha256"], {**skipped, **self.recipe["left_out"]})

    def make(self, array: Path, progress: Progress, workers: int | None) -> None:
        """Decode all images, or those that an interrupted attempt has left, and put the array in place."""
        file, journal = array.with_suffix(".unfinished"), array.with_suffix(".journal")
        known, total = read_journal(journal) if file.exists() else {}, len(self.sources)
        to_come = sum(min(PART, total - start) for start in range(0, total, PART) if start not in known)
        check_space(array.parent, math.prod(self.shape(to_come)), f"Preparing {self.name}", "--cache-dir")
        file.touch()
        read = partial(make_part, file, self.treatment, known)
        with journal.open("a", encoding="utf-8") as log:

            def note(part: Part) -> None:
                print(json.dumps(part), file=log, flush=True)

            skipped = read_parts(read, note, self.sources, PART, "preparing", self.name, progress, workers)
        kept = readable(self.sources, skipped)
        close_gaps(file, kept, self.shape(total))
        file.replace(array)
        write_manifest(array, self.recipe, shape=self.shape(len(kept)), skipped=skipped)
        journal.unlink()


class Part(NamedTuple):
    """One part that is finished: a line of the journal."""

    start: int
    """The place of its first image among all."""
    sha256: str
    """The hash of the pixels of all its places."""
    skipped: dict[str, str]
    """Names of images that could not be read → why; their places are black."""


def make_part(
    file: Path, treatment: Treatment, known: Mapping[int, Part], start: int, sources: Sequence[Source]
) -> Part:
    """Decode images into their places in `file`, unless by `known` all of them are there undamaged."""
    image, part = CHANNELS * treatment.size**2, known.get(start)
    with file.open("r+b") as places:
        places.seek(start * image)
        # Images that could not be read may have been repaired.
        if part and not part.skipped and part.sha256 == sha256(places.read(len(sources) * image)).hexdigest():
            return part
        made, skipped = decode(treatment, sources)
        pixels = np.zeros((len(sources), image), np.uint8)
        for i in readable(sources, skipped):
            pixels[i] = made[sources[i].name].ravel()
        places.seek(start * image)
        places.write(pixels.data)
    return Part(start, sha256(pixels.data).hexdigest(), skipped)


def decode(treatment: Treatment, sources: Sequence[Source]) -> Images:
    """The images that can be read, after a treatment."""
    return read_images(sources, partial(treat, treatment=treatment))


def readable(sources: Sequence[Source], skipped: Mapping[str, str]) -> list[int]:
    """The places of all sources that were not skipped."""
    return [i for i, source in enumerate(sources) if source.name not in skipped]


def read_journal(journal: Path) -> dict[int, Part]:
    """What earlier attempts finished, by the place of the first image; damaged lines are ignored."""
    known: dict[int, Part] = {}
    with suppress(FileNotFoundError):
        for line in journal.read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError, TypeError):
                part = Part(*json.loads(line))
                known[part.start] = part
    return known


def close_gaps(file: Path, kept: Sequence[int], shape: tuple[int, int, int, int]) -> None:
    """Move the images that are kept into the places of those that are not, and cut off what remains."""
    if len(kept) < shape[0]:
        pixels = np.memmap(file, np.uint8, "r+", shape=shape)
        for to, place in enumerate(kept):
            pixels[to] = pixels[place]
        pixels.flush()
    os.truncate(file, len(kept) * math.prod(shape[1:]))
