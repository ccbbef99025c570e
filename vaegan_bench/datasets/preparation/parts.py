"""Parts of a preparation: some thousand images each, decoded into their places in one file and noted in a journal."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vaegan_bench.datasets.preparation.reading import Images, read_images
from vaegan_bench.datasets.preparation.sources import Source
from vaegan_bench.datasets.preparation.treatment import Treatment, treat

CHANNELS = 3


class Part(NamedTuple):
    """One part that is finished: a line of the journal."""

    start: int
    """The place of its first image among all."""
    images: int
    """How many places it has, those of unreadable images included."""
    sha256: str
    """Of the pixels of all its places."""
    skipped: dict[str, str]
    """Names of images that could not be read → why; their places are black."""


class Task(NamedTuple):
    """One part that is wanted."""

    file: Path
    start: int
    sources: Sequence[Source]
    treatment: Treatment
    known: Part | None
    """What an earlier attempt noted."""


def make_part(task: Task) -> Part:
    """Decode the images of a task into their places, unless they are there, whole, and none is missing."""
    image = CHANNELS * task.treatment.size**2
    with task.file.open("r+b") as file:
        file.seek(task.start * image)
        known = task.known
        # What could not be read may have been repaired.
        if known and not known.skipped and _sha256(file.read(len(task.sources) * image)) == known.sha256:
            return known
        pixels = np.zeros((len(task.sources), image), np.uint8)
        made, skipped = decode(task.sources, task.treatment)
        for i in readable(task.sources, skipped):
            pixels[i] = made[task.sources[i].name].ravel()
        file.seek(task.start * image)
        file.write(pixels.data)
    return Part(task.start, len(task.sources), _sha256(pixels.data), skipped)


def _sha256(pixels: bytes | memoryview) -> str:
    return hashlib.sha256(pixels).hexdigest()


def decode(sources: Sequence[Source], treatment: Treatment) -> Images:
    """The images that can be read, after a treatment."""
    return read_images(sources, partial(treat, treatment=treatment))


def readable(sources: Sequence[Source], skipped: dict[str, str]) -> list[int]:
    """The places of all sources that were not skipped."""
    return [i for i, source in enumerate(sources) if source.name not in skipped]


def read_journal(journal: Path) -> dict[int, Part]:
    """What earlier attempts finished, by the place of the first image; damaged lines count for nothing."""
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
