"""The conformance checks of data sets."""

from __future__ import annotations

from functools import cache
from unittest import SkipTest

import torch

from vaegan_bench.api import Data, DataError, Dataset, to_signed
from vaegan_bench.testing.small import CACHE
from vaegan_bench.testing.verdicts import Checks, demand, seeded, unchanged, untouched_randomness

SIZE = 32
TYPES = {
    "images_NCHW": torch.uint8,
    "attributes_NA": torch.bool,
    "labels_N": torch.int64,
    "scores_NA": torch.float32,
    "factors_NF": torch.int64,
}
"""The columns of a split with their types; in every load they must be equal."""


@cache
def load_data(dataset: Dataset, size: int = SIZE) -> Data:
    """The data at a size; the check is skipped where its files are missing."""
    try:
        return dataset.load(size, CACHE)
    except DataError as error:
        raise SkipTest(str(error)) from error


def columns_have_their_types(dataset: Dataset) -> None:
    """Images are uint8, attributes bool, labels and factors int64, scores float32."""
    data = load_data(dataset)
    for name, split in (("train", data.train), ("test", data.test)):
        for column, dtype in TYPES.items():
            values = getattr(split, column)
            demand(
                values is None or values.dtype == dtype,
                f"{column} of {name} is {getattr(values, 'dtype', '')}: return {str(dtype).removeprefix('torch.')}.",
            )


def images_are_well_formed(dataset: Dataset) -> None:
    """Images of the size that was asked for, with attributes of unique names and finite scores that belong to them."""
    data = load_data(dataset)
    names = data.attribute_names
    demand(all(names) and len(set(names)) == len(names), f"attribute_names {names} are not unique, or one is empty.")
    for name, split in (("train", data.train), ("test", data.test)):
        images, (n, attributes) = split.images_NCHW, split.attributes_NA.shape
        demand(
            images.ndim == 4 and images.shape[2:] == (SIZE, SIZE) and images.shape[1] in (1, 3),
            f"{name} images have the shape {tuple(images.shape)}, not (N, 1 or 3, {SIZE}, {SIZE}).",
        )
        named = len(data.attribute_names)
        demand(n == len(images), f"{name} has {len(images)} images and attributes of {n}.")
        demand(attributes == named, f"{name} has {attributes} attributes, and attribute_names has {named}.")
        scored = split.scores_NA is None or torch.equal(split.scores_NA > 0, split.attributes_NA)
        demand(scored, f"attributes of {name} are not those whose scores_NA are above 0.")
        finite = split.scores_NA is None or bool(split.scores_NA.isfinite().all())
        demand(finite, f"scores_NA of {name} are not all finite.")
    demand(data.train.images_NCHW.shape[1:] == data.test.images_NCHW.shape[1:], "train and test differ in shape.")


def labels_are_named(dataset: Dataset) -> None:
    """Every image of a part has a label, the index of one of the classes that it names, or none has."""
    data = load_data(dataset)
    for name, split in (("train", data.train), ("test", data.test)):
        if split.labels_N is not None:
            n, labelled, classes = len(split), len(split.labels_N), len(data.class_names)
            demand(labelled == n, f"{name} has {n} images and {labelled} labels.")
            low, high = int(split.labels_N.min()), int(split.labels_N.max())
            demand(low >= 0 and high < classes, f"{name} has labels from {low} to {high}, and names for {classes}.")


def factors_have_named_values(dataset: Dataset) -> None:
    """For each factor that it names, every image has one of the values that it names."""
    data = load_data(dataset)
    for name, split in (("train", data.train), ("test", data.test)):
        if split.factors_NF is None:
            demand(not data.factors, f"{name} has no factors_NF, and factors names {', '.join(data.factors)}.")
            continue
        shape, expected = tuple(split.factors_NF.shape), (len(split), len(data.factors))
        demand(shape == expected, f"factors_NF of {name} has the shape {shape}, not {expected}.")
        for (factor, values), place_N in zip(data.factors.items(), split.factors_NF.T, strict=True):
            least, most = int(place_N.min()), int(place_N.max())
            has = f"the factor '{factor}' of {name} has values from {least} to {most}"
            demand(least >= 0 and most < len(values), f"{has}, and names for {len(values)}.")


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
    """`augment` keeps shape and range, repeats for equal noise, and does not change its input."""
    x = to_signed(load_data(dataset).train.images_NCHW[:16])
    with untouched_randomness(), unchanged(x_BCHW=x):
        first, second = (dataset.augment(x.clone() if turn else x, seeded(5)) for turn in (0, 1))
    demand(first.shape == x.shape, f"augment makes {tuple(first.shape)} of {tuple(x.shape)}.")
    demand(
        torch.equal(first, second),
        "augment gives something else for equal noise: draw from the generator it is handed.",
    )
    demand(float(first.abs().max()) <= 1.05, "augment leaves the range [-1, 1].")


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
