"""Images with a class each: read by torchvision, resized and kept once, every class an attribute, too."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from vaegan_bench.api import Data, DataError, Dataset, Progress, Split
from vaegan_bench.datasets.published_files import PublishedFile, by_hand, fetch_files
from vaegan_bench.datasets.resizing import at_size
from vaegan_bench.system.code import code_behind
from vaegan_bench.system.files import locked
from vaegan_bench.system.tensor_files import State, kept, sha256_of_state

PARTS = ("train", "test")


class Images(NamedTuple):
    """One part of a data set as it is published."""

    images_NCHW: Tensor
    """uint8."""
    labels_N: Tensor | None
    """int64; None where the part has no classes."""


Read = Callable[[], tuple[Images, Images]]
"""Training and test part, at their own size."""


class Source(NamedTuple):
    """What torchvision reads, and where it comes from."""

    files: tuple[str, ...]
    """What is read, below the data set's folder."""
    published: tuple[PublishedFile, ...]
    """What to download in order to have it."""
    unpack: Callable[[Path], object]
    """Makes the files in a folder of the downloads in it."""
    read: Callable[[Path], tuple[Images, Images]]
    """Training and test part from the files in a folder."""


def load_labelled(
    dataset: Dataset, source: Source, classes: tuple[str, ...], size: int, cache: Path, progress: Progress
) -> Data:
    """What lies in the data set's folder, at a size; nothing is ever downloaded.

    Raises `DataError` where files are missing or damaged.
    """
    folder = dataset.source_folder
    if missing := _missing(source, folder):
        raise DataError(
            f"{dataset} is not in {folder} ({missing[0]} is missing): run `vaegan-bench data prepare "
            f"{_quoted(dataset)}`, which fetches it; without a network first put {by_hand(source.published, folder)}."
        )
    origin = {
        "files": [[file, (folder / file).stat().st_size, (folder / file).stat().st_mtime_ns] for file in source.files],
        "reader": code_behind(source.read).digest,
        "torchvision": version("torchvision"),
    }
    return prepared(dataset, classes, origin, lambda: _read(dataset, source, folder), size, cache, progress)


def fetch_labelled(dataset: Dataset, source: Source, progress: Progress) -> None:
    """Download and unpack what is missing in the data set's folder. Raises `DataError` where that fails.

    Several processes may do this at once: one works, the others wait.
    """
    folder = dataset.source_folder
    if not _missing(source, folder):
        return
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with locked(folder.with_name(f".{folder.name}.lock")):
            if _missing(source, folder):
                fetch_files(source.published, folder, progress)
                source.unpack(folder)
    except (OSError, RuntimeError, EOFError) as error:
        raise DataError(f"Cannot fetch or unpack {dataset} in {folder}: {_reason(error)}.") from error


def prepared(
    dataset: Dataset,
    classes: tuple[str, ...],
    origin: Mapping[str, object],
    read: Read,
    size: int,
    cache: Path,
    progress: Progress,
) -> Data:
    """What `read` reads, at a size: from the cache, or made and kept there; `origin` is all that decides it, as JSON.

    Without `classes` the data have no labels and no attributes.
    """
    code = code_behind(prepared, type(dataset)).digest
    recipe = {"dataset": str(dataset), "size": size, "origin": origin, "code": code, "pillow": version("pillow")}
    key = hashlib.sha256(json.dumps(recipe).encode()).hexdigest()[:16]
    state, _ = kept(
        cache / dataset.name / f"{size}-{key}.safetensors",
        lambda: (_state(dataset, classes, read(), size, progress), {}),
    )
    train, test = (_split(state, part, len(classes)) for part in PARTS)
    digest = hashlib.sha256(f"{classes} {sha256_of_state(state)}".encode()).hexdigest()
    return Data(train, test, classes, classes, digest=digest)


def _state(
    dataset: Dataset, classes: tuple[str, ...], parts: tuple[Images, Images], size: int, progress: Progress
) -> State:
    state = {}
    for name, (images_NCHW, labels_N) in zip(PARTS, parts, strict=True):
        state[f"{name} images"] = at_size(images_NCHW, size, f"resizing {dataset} ({name})", progress)
        if labels_N is not None:
            known = len(labels_N) == len(images_NCHW) and set(labels_N.unique().tolist()) <= set(range(len(classes)))
            if not known:
                raise DataError(f"{dataset} ({name}) does not have one of its {len(classes)} classes for each image.")
            state[f"{name} labels"] = labels_N
    return state


def _split(state: State, part: str, classes: int) -> Split:
    images_NCHW, labels_N = state[f"{part} images"], state.get(f"{part} labels")
    if labels_N is None:
        return Split(images_NCHW, torch.zeros(len(images_NCHW), 0, dtype=torch.bool))
    return Split(images_NCHW, labels_N[:, None] == torch.arange(classes), labels_N)


def _missing(source: Source, folder: Path) -> list[str]:
    return [file for file in source.files if not (folder / file).is_file()]


def _read(dataset: Dataset, source: Source, folder: Path) -> tuple[Images, Images]:
    try:
        return source.read(folder)
    except MemoryError as error:
        raise DataError(f"There is too little memory to read {dataset}: {_reason(error)}.") from error
    except Exception as error:  # torchvision raises whatever the damage leads it to
        raise DataError(
            f"The files of {dataset} in {folder} are damaged ({_reason(error)}): remove them, and run "
            f"`vaegan-bench data prepare {_quoted(dataset)}`."
        ) from error


def _quoted(dataset: Dataset) -> str:
    """Its selector, for a shell."""
    return f'"{dataset}"' if "[" in str(dataset) else str(dataset)


def _reason(error: Exception) -> str:
    """The first sentence of an error: what follows is advice for those who call torchvision themselves."""
    return str(error).partition("\n")[0].partition(". ")[0].rstrip(".") or type(error).__name__
