"""The conformance checks of data sets."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from unittest import SkipTest

import torch

from vaegan_bench.api import Data, DataError, Dataset, to_signed
from vaegan_bench.testing.small import CACHE
from vaegan_bench.testing.verdicts import Checks, ConformanceError, demand, seeded, unchanged, untouched_randomness
from vaegan_bench.training.data_form import (
    TYPES,
    faults_of_factors,
    faults_of_images,
    faults_of_labels,
    faults_of_types,
)

SIZE = 32


@cache
def load_data(dataset: Dataset, size: int = SIZE) -> Data:
    """The data at a size; the check is skipped where its files are missing."""
    try:
        return dataset.load(size, CACHE)
    except DataError as error:
        raise SkipTest(str(error)) from error


def columns_have_their_types(dataset: Dataset) -> None:
    """Images are uint8, attributes bool, labels and factors int64, scores float32; names and the digest are text."""
    _demand_none(faults_of_types(load_data(dataset)))


def images_are_well_formed(dataset: Dataset) -> None:
    """Images of the size that was asked for, with attributes of unique names and finite scores that belong to them."""
    _demand_none(faults_of_images(load_data(dataset), SIZE))


def labels_are_named(dataset: Dataset) -> None:
    """Every image of a part has a label, the index of one of the classes that it names, or none has."""
    _demand_none(faults_of_labels(load_data(dataset)))


def factors_have_named_values(dataset: Dataset) -> None:
    """For each factor that it names, every image has one of the values that it names."""
    _demand_none(faults_of_factors(load_data(dataset)))


def splits_share_no_image(dataset: Dataset) -> None:
    """No test image is a training image: metrics on held-out images would mean nothing."""
    data = load_data(dataset)
    seen = set(map(bytes, data.train.images_NCHW.flatten(1).numpy()))
    shared = sum(bytes(image) in seen for image in data.test.images_NCHW.flatten(1).numpy())
    demand(not shared, f"{shared} test images are training images too.")


def loading_repeats(dataset: Dataset) -> None:
    """Every load gives the same columns and digest, and draws from no global generator."""
    first = load_data(dataset)
    with untouched_randomness():
        second = dataset.load(SIZE, CACHE)
    for name in ("train", "test"):
        ours, theirs = getattr(first, name), getattr(second, name)
        for column in TYPES:
            a, b = getattr(ours, column), getattr(theirs, column)
            alike = a is b is None or torch.equal(a, b)
            demand(alike, f"a second load gives another {column} of {name}: is there unseeded noise?")
    demand(first.digest == second.digest, "a second load of the same images has another digest.")


def size_is_used(dataset: Dataset) -> None:
    """It also loads at 64 pixels, with another digest."""
    data = load_data(dataset, 64)
    demand(data.shape[1:] == (64, 64), f"asked for 64 pixels, it gives {data.shape[1]}×{data.shape[2]}.")
    demand(
        data.digest != load_data(dataset).digest, "other images have the same digest: make it a hash of the content."
    )


def augmentation_is_seeded(dataset: Dataset) -> None:
    """`augment` keeps shape and range, repeats for equal noise, and does not change its input, in channels last."""
    x = to_signed(load_data(dataset).train.images_NCHW[:16]).contiguous(memory_format=torch.channels_last)
    with untouched_randomness(), unchanged(x_BCHW=x):
        first, second = (dataset.augment(x.clone() if turn else x, seeded(5)) for turn in (0, 1))
    demand(first.shape == x.shape, f"augment makes {tuple(first.shape)} of {tuple(x.shape)}.")
    demand(
        torch.equal(first, second),
        "augment gives something else for equal noise: draw from the generator it is handed.",
    )
    demand(float(first.abs().max()) <= 1.05, "augment leaves the range [-1, 1].")


def _demand_none(faults: Iterator[str]) -> None:
    for fault in faults:
        raise ConformanceError(fault)


CHECKS: Checks = {
    Dataset: (
        columns_have_their_types,
        images_are_well_formed,
        labels_are_named,
        factors_have_named_values,
        splits_share_no_image,
        loading_repeats,
        size_is_used,
        augmentation_is_seeded,
    ),
}
