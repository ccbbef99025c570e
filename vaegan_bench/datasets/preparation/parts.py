"""A part of a preparation: some thousand images in a file, which a later attempt need not decode again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from vaegan_bench.datasets.preparation.reading import read_each
from vaegan_bench.datasets.preparation.sources import Source
from vaegan_bench.datasets.preparation.treatment import Pixels, Treatment, treated


class Task(NamedTuple):
    """One part that is wanted."""

    path: Path
    sources: Sequence[Source]
    treatment: Treatment


class Part(NamedTuple):
    """One part that is there: a line of JSON, then the pixels of all images that could be read."""

    path: Path
    images: int
    """How many it stands for, those that were skipped included."""
    skipped: Mapping[str, str]
    """Names of those that could not be read → why."""


def make_part(task: Task) -> Part:
    """Decode the images of a task, unless its file is there, whole, and lacks none of them."""
    skipped = _read(task.path)
    if skipped is None or skipped:  # those that could not be read may have been repaired
        pixels, skipped = decode(task.sources, task.treatment)
        _write(task.path, pixels, skipped)
    return Part(task.path, len(task.sources), skipped)


def open_part(path: Path) -> IO[bytes]:
    """The file of a part, at the first pixel."""
    file = path.open("rb")
    file.readline()
    return file


def decode(sources: Sequence[Source], treatment: Treatment) -> tuple[Pixels, dict[str, str]]:
    """The pixels of all images that can be read, (N, 3, size, size), and the names of the others with the reason."""
    pixels = np.empty((len(sources), 3, treatment.size, treatment.size), np.uint8)
    skipped: dict[str, str] = {}
    for read in read_each(sources, lambda content: treated(content, treatment)):
        if read.made is None:
            skipped[sources[read.place].name] = read.reason
        else:
            pixels[read.place] = read.made
    return pixels[[source.name not in skipped for source in sources]], skipped


def _read(path: Path) -> dict[str, str] | None:
    """Which images a part had to skip; None where it is absent or damaged."""
    try:
        with path.open("rb") as file:
            head = json.loads(file.readline())
            whole = hashlib.sha256(file.read()).hexdigest() == head["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    skipped: dict[str, str] = head["skipped"]
    return skipped if whole else None


def _write(path: Path, pixels: Pixels, skipped: Mapping[str, str]) -> None:
    head = {"sha256": hashlib.sha256(pixels.data).hexdigest(), "skipped": skipped}
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        with unfinished.open("wb") as file:
            file.write(json.dumps(head).encode() + b"\n")
            file.write(pixels.data)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
