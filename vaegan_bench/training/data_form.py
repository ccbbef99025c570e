"""What a data set must return: checked whenever data are loaded, and by the conformance suite."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from vaegan_bench.api import Data, Split

TYPES = {
    "images_NCHW": torch.uint8,
    "attributes_NA": torch.bool,
    "labels_N": torch.int64,
    "scores_NA": torch.float32,
    "factors_NF": torch.int64,
}
"""The columns of a split with their types."""
OPTIONAL = ("labels_N", "scores_NA", "factors_NF")


def faults_of(data: object, size: int) -> Iterator[str]:
    """What is wrong with what was loaded at a size; after faults of one sort, the next questions have no meaning."""
    yield from (found := list(faults_of_types(data)))
    if not found and isinstance(data, Data):
        yield from (found := list(faults_of_images(data, size)))
        yield from (*faults_of_labels(data), *faults_of_factors(data)) if not found else ()


def faults_of_types(data: object) -> Iterator[str]:
    """Images are uint8, attributes bool, labels and factors int64, scores float32; names and the digest are text."""
    if not isinstance(data, Data) or not (isinstance(data.train, Split) and isinstance(data.test, Split)):
        yield f"load returned {type(data).__name__}: return Data, with a Split each for train and test."
        return
    for name, split in _parts(data):
        for column, dtype in TYPES.items():
            values = getattr(split, column)
            if not ((isinstance(values, Tensor) and values.dtype == dtype) or (values is None and column in OPTIONAL)):
                found = getattr(values, "dtype", type(values).__name__)
                yield f"{column} of {name} is {found}: return {str(dtype).removeprefix('torch.')}."
    if not (isinstance(data.digest, str) and data.digest):
        yield "digest is no text: make it a hash of the content."
    for what, names in (("attribute_names", data.attribute_names), ("class_names", data.class_names)):
        if not (isinstance(names, tuple) and all(isinstance(name, str) for name in names)):
            yield f"{what} are not a tuple of text."


def faults_of_images(data: Data, size: int) -> Iterator[str]:
    """Images of the size that was asked for, with attributes of unique names and finite scores that belong to them."""
    names = data.attribute_names
    if not all(names) or len(set(names)) != len(names):
        yield f"attribute_names {names} are not unique, or one is empty."
    for name, split in _parts(data):
        images, attributes = split.images_NCHW, tuple(split.attributes_NA.shape)
        if images.ndim != 4 or images.shape[2:] != (size, size) or images.shape[1] not in (1, 3):
            yield f"{name} images have the shape {tuple(images.shape)}, not (N, 1 or 3, {size}, {size})."
        elif attributes != (len(images), len(names)):
            yield f"attributes of {name} have the shape {attributes}, not {len(images), len(names)}, images and names."
        elif split.scores_NA is not None and not torch.equal(split.scores_NA > 0, split.attributes_NA):
            yield f"attributes of {name} are not those whose scores_NA are above 0."
        elif split.scores_NA is not None and not split.scores_NA.isfinite().all():
            yield f"scores_NA of {name} are not all finite."
    if data.train.images_NCHW.shape[1:] != data.test.images_NCHW.shape[1:]:
        yield "train and test differ in shape."


def faults_of_labels(data: Data) -> Iterator[str]:
    """Every image of a part has a label, the index of one of the classes that it names, or none has."""
    for name, split in _parts(data):
        labels, n = split.labels_N, len(split)
        if labels is None:
            continue
        if tuple(labels.shape) != (n,):
            yield f"{name} has {n} images and {len(labels)} labels."
        elif n and not (labels.min() >= 0 and labels.max() < len(data.class_names)):
            low, high, classes = int(labels.min()), int(labels.max()), len(data.class_names)
            yield f"{name} has labels from {low} to {high}, and names for {classes}."


def faults_of_factors(data: Data) -> Iterator[str]:
    """For each factor that it names, every image has one of the values that it names."""
    for name, split in _parts(data):
        if split.factors_NF is None:
            if data.factors:
                yield f"{name} has no factors_NF, and factors names {', '.join(data.factors)}."
            continue
        shape, expected = tuple(split.factors_NF.shape), (len(split), len(data.factors))
        if shape != expected:
            yield f"factors_NF of {name} has the shape {shape}, not {expected}."
            continue
        for (factor, values), place_N in zip(data.factors.items(), split.factors_NF.T, strict=True):
            if len(place_N) and not (place_N.min() >= 0 and place_N.max() < len(values)):
                has = f"the factor '{factor}' of {name} has values from {int(place_N.min())} to {int(place_N.max())}"
                yield f"{has}, and names for {len(values)}."


def _parts(data: Data) -> tuple[tuple[str, Split], tuple[str, Split]]:
    return ("train", data.train), ("test", data.test)
