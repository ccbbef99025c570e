"""Prepare images: in parts, which survive an interruption, then as one array, which is whole or absent."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vaegan_bench.datasets.preparation.manifest import (
    Prepared,
    Recipe,
    array_of,
    describe,
    manifest_of,
    recall,
    recipe_of,
)
from vaegan_bench.datasets.preparation.parts import Part, Task, decode, make_part, open_part
from vaegan_bench.datasets.preparation.reading import refuse_many
from vaegan_bench.datasets.preparation.sources import Source
from vaegan_bench.datasets.preparation.treatment import Treatment
from vaegan_bench.datasets.preparation.workers import crew, useful_workers
from vaegan_bench.system.disk_space import check_space
from vaegan_bench.system.errors import DataError
from vaegan_bench.system.files import locked

if TYPE_CHECKING:
    from vaegan_bench.api import Progress

PART = 2000
"""Images of a part: a few seconds of work, which is what an interruption can cost."""
WORTH = 500
"""Images for which a process is worth its start."""
BLOCK = 1 << 20
CHANNELS = 3


def prepare(
    name: str,
    sources: Sequence[Source],
    treatment: Treatment,
    folder: Path,
    progress: Progress,
    left_out: Mapping[str, str] | None = None,
    workers: int | None = None,
) -> Prepared:
    """The treated images in the order of `sources`: recalled from `folder`, or decoded and kept there.

    `left_out` names images that were not to be used, with the reason, for the manifest. Images that could not be
    read are tried again every time. Several processes may do this at once: one works, the others wait. Raises
    `DataError` where more than 1 % of the images cannot be read, or where nothing can be written, and `StoreError`
    where there is too little space.
    """
    recipe = recipe_of(sources, treatment, left_out or {})
    array = array_of(folder, recipe)
    if (found := _recalled(array, recipe, sources, treatment)) is not None:
        return found
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = array.with_name(f".{array.name}.lock")
        told = f"waiting for another process that prepares {name}"
        with locked(lock, waiting=lambda: progress(told, 0, len(sources))):
            if (found := _recalled(array, recipe, sources, treatment)) is None:
                tasks = _tasks(array, sources, treatment)
                _make(name, array, recipe, tasks, progress, workers or useful_workers(len(sources), WORTH))
                found = recall(array, recipe, sources)
    except OSError as error:
        raise DataError(
            f"Cannot keep {name} in {folder}: {error.strerror or error}. Choose another cache with --cache-dir."
        ) from error
    if found is None:
        raise DataError(f"{array} is not what was just written there: does the disk fail?")
    return found


def _recalled(array: Path, recipe: Recipe, sources: Sequence[Source], treatment: Treatment) -> Prepared | None:
    """What lies on disk, unless an image that it lacks can be read now: a repaired file may look as before."""
    if (found := recall(array, recipe, sources)) is None:
        return None
    kept = set(found.kept_N.tolist())
    lacking = [source for i, source in enumerate(sources) if i not in kept]
    _, unreadable = decode(lacking, treatment)
    return found if len(unreadable) == len(lacking) else None


def _tasks(array: Path, sources: Sequence[Source], treatment: Treatment) -> list[Task]:
    starts = range(0, len(sources), PART)
    return [Task(_parts(array) / str(i), sources[i : i + PART], treatment) for i in starts]


def _parts(array: Path) -> Path:
    return array.with_suffix(".parts")


def _make(name: str, array: Path, recipe: Recipe, tasks: Sequence[Task], progress: Progress, workers: int) -> None:
    _parts(array).mkdir(exist_ok=True)
    there = sum(task.path.stat().st_size for task in tasks if task.path.exists())
    pixels = sum(CHANNELS * len(task.sources) * task.treatment.size**2 for task in tasks)
    check_space(array.parent, 2 * pixels - there, f"Preparing {name}", "--cache-dir")  # as parts, and as one array
    with crew(workers, name) as spread:
        parts = list(_reported(name, spread(make_part, tasks), recipe["images"], progress))
    sha256 = _join(parts, array)
    skipped = {image: reason for part in parts for image, reason in part.skipped.items()}
    unfinished = _parts(array) / "manifest"
    unfinished.write_text(describe(recipe, skipped, sha256), encoding="utf-8")
    unfinished.replace(manifest_of(array))
    shutil.rmtree(_parts(array))


def _reported(name: str, parts: Iterable[Part], total: int, progress: Progress) -> Iterator[Part]:
    """Parts as they are finished, until more than one image in a hundred was unreadable."""
    done, skipped = 0, dict[str, str]()
    progress(f"preparing {name}", 0, total)
    for part in parts:
        done += part.images
        skipped.update(part.skipped)
        refuse_many(skipped, done, total, name)
        progress(f"preparing {name}", done, total)
        yield part


def _join(parts: Iterable[Part], array: Path) -> str:
    """Put all pixels into one file, at once; their SHA-256."""
    digest = hashlib.sha256()
    unfinished = _parts(array) / "whole"
    with unfinished.open("wb") as whole:
        for part in parts:
            with open_part(part.path) as file:
                while block := file.read(BLOCK):
                    digest.update(block)
                    whole.write(block)
    unfinished.replace(array)
    return digest.hexdigest()
