"""Images with a class each: resized and cached once, every class an attribute, too."""

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
from vaegan_bench.datasets.resizing import at_size
from vaegan_bench.system.code import code_behind
from vaegan_bench.system.tensor_files import State, load_or_make, sha256_of_state

PARTS = ("train", "test")


class Images(NamedTuple):
    """One part of a data set as it is published."""

    images_NCHW: Tensor
    """uint8."""
    labels_N: Tensor | None
    """int64; None where the part has no classes."""


Read = Callable[[], tuple[Images, Images]]
"""Training and test part, at their own size."""


def prepare_labelled(
    dataset: Dataset,
    classes: tuple[str, ...],
    origin: Mapping[str, object],
    read: Read,
    size: int,
    cache: Path,
    progress: Progress,
) -> Data:
    """The data that `read` reads, resized: from the cache, or made and kept there; `origin`, as JSON, decides them.

    Without `classes` the data have no labels and no attributes.
    """
    code = code_behind(prepare_labelled, type(dataset)).digest
    recipe = {"dataset": str(dataset), "size": size, "origin": origin, "code": code, "pillow": version("pillow")}
    key = hashlib.sha256(json.dumps(recipe).encode()).hexdigest()[:16]
    state, _ = load_or_make(
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
