"""Exhibits: data of a metric for figures. Each type checks its shape and range, and each type has one kind of figure.

`vaegan_bench.api` exports them. They live here because results are read, and figures are drawn, without torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
ROUNDING = 1e-5
"""How far a number may lie outside its range because of rounding in float32."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """One number per dimension. Figure: a line per model, from the largest number to the smallest, on a log axis.

    Seeds combine to the mean of numbers of equal rank: two seeds have no dimension in common, only ranks.
    Raises `ValueError` unless there is at least one number and all are finite.
    """

    values_Z: Array
    """(Z,) float."""
    quantity: str
    """What was measured: 'KL'."""
    units: str
    """'nats'."""
    dimension: str
    """What a dimension is: 'latent dimension'."""
    threshold: float
    """The legend counts the numbers above it, and a dotted line marks it. The axis begins at a hundredth of it, where
    smaller numbers, and those below 0, are drawn."""

    def __post_init__(self) -> None:
        _check_texts(self.quantity, self.units, self.dimension)
        _check_numbers(self.threshold)
        _check_array("values_Z", self.values_Z, "f", 1)
        _demand(self.threshold > 0, f"the threshold is {self.threshold}, and must be above 0")
        _demand(bool(np.isfinite(self.values_Z).all()), "values_Z are not all finite")


@dataclass(frozen=True, eq=False)
class Profile:
    """One number at each place along an axis. Figure: a line per model, and a dotted line at the reference.

    Seeds combine to the mean. Raises `ValueError` unless there is a place for each number and all are finite.
    """

    values_X: Array
    """(X,) float."""
    places: tuple[float, ...]
    """(X,) Where on the axis each number belongs, increasing."""
    quantity: str
    """What was measured: 'power relative to held-out images'."""
    units: str
    """'dB'."""
    axis: str
    """What a place is: 'spatial frequency (cycles per pixel)'."""
    reference: float
    """The number to compare with."""
    reference_name: str
    """What has this number, in the legend: 'held-out images'."""

    def __post_init__(self) -> None:
        _check_texts(self.quantity, self.units, self.axis, self.reference_name)
        _check_numbers(self.reference, *self.places)
        _check_array("values_X", self.values_X, "f", 1)
        given = len(self.values_X), len(self.places)
        _demand(given[0] == given[1], f"values_X has {given[0]} numbers, and there are {given[1]} places")
        _demand(list(self.places) == sorted(set(self.places)), "the places do not increase")
        _demand(bool(np.isfinite(self.values_X).all()), "values_X are not all finite")


@dataclass(frozen=True, eq=False)
class Matrix:
    """A number for each row and column. Figure: a heat map per model, with one scale of colours.

    Seeds combine to the mean. Raises `ValueError` for numbers outside of `low` … `high`, and unless each row and each
    column has a name.
    """

    values_RC: Array
    """(R, C) float in [low, high]; NaN, drawn grey, where nothing was measured."""
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    quantity: str
    """What the numbers are, beside the scale of colours."""
    row: str
    """What a row is, along the vertical axis."""
    column: str
    """What a column is, along the horizontal axis."""
    low: float = -1.0
    high: float = 1.0

    def __post_init__(self) -> None:
        _check_texts(*self.rows, *self.columns, self.quantity, self.row, self.column)
        _check_numbers(self.low, self.high)
        _check_array("values_RC", self.values_RC, "f", 2)
        names = len(self.rows), len(self.columns)
        _demand(self.values_RC.shape == names, f"values_RC has the shape {self.values_RC.shape}, and the names {names}")
        within = (self.values_RC >= self.low - ROUNDING) & (self.values_RC <= self.high + ROUNDING)
        _demand(self.low < self.high, f"low is {self.low} and high is {self.high}")
        _demand(bool((within | np.isnan(self.values_RC)).all()), f"values_RC must be in [{self.low}, {self.high}]")


@dataclass(frozen=True, eq=False)
class LatentVectors:
    """A vector in the space of codes for each name. Figure: the cosines between them, a heat map per model.

    The sliders of the report move codes along them. Every training has a space of its own: of several seeds, the first
    is shown. Raises `ValueError` unless each vector has a name, and is finite or all NaN.
    """

    vectors_NZ: Array
    """(N, Z) float; NaN where there is no such vector."""
    names: tuple[str, ...]
    """(N,) What changes along each vector, such as an attribute."""
    quantity: str
    """What a vector is, along both axes: 'attribute vector'."""

    def __post_init__(self) -> None:
        _check_texts(*self.names, self.quantity)
        _check_array("vectors_NZ", self.vectors_NZ, "f", 2)
        given = len(self.vectors_NZ), len(self.names)
        _demand(given[0] == given[1], f"vectors_NZ has {given[0]} vectors, and there are {given[1]} names")
        finite_NZ = np.isfinite(self.vectors_NZ)
        whole = finite_NZ.all(1) | np.isnan(self.vectors_NZ).all(1)
        _demand(bool(whole.all()), "vectors_NZ has vectors that are neither finite nor all NaN")

    def cosines(self) -> Array:
        """The cosine between every two vectors, in [−1, 1]; (N, N), NaN where one of them is not there."""
        lengths_N = np.linalg.norm(self.vectors_NZ, axis=1, keepdims=True)
        with np.errstate(invalid="ignore"):  # a vector without a length points nowhere
            units_NZ = self.vectors_NZ / lengths_N
        cosines_NN: Array = np.clip(units_NZ @ units_NZ.T, -1, 1)
        return cosines_NN


@dataclass(frozen=True, eq=False)
class Strips:
    """Images that change step by step. Figure: a block per title, in it a line per model.

    Strips of one title stand side by side. Of several seeds, the first is shown. Raises `ValueError` unless each strip
    has a title and as many images as there are steps.
    """

    images_NSHWC: Array
    """(N, S, H, W, C) uint8: N strips of S images, with C = 1 or 3 channels."""
    titles: tuple[str, ...]
    """(N,) What changes along each strip, such as an attribute."""
    steps: tuple[float, ...]
    """(S,) How far each image was changed, above its column."""
    symbol: str
    """What a step is, before the first one: 'α'."""

    def __post_init__(self) -> None:
        _check_texts(*self.titles, self.symbol)
        _check_numbers(*self.steps)
        check_images("images_NSHWC", self.images_NSHWC, 5)
        shape, given = self.images_NSHWC.shape, (len(self.titles), len(self.steps))
        _demand(shape[:2] == given, f"images_NSHWC is {shape}, and titles and steps are {given[0]} and {given[1]}")


@dataclass(frozen=True, eq=False)
class ImagePairs:
    """Images in pairs. Figure: two rows per model, the first image of each pair above the second.

    Of several seeds, the first is shown. Raises `ValueError` unless there are two images in each pair and two names.
    """

    pairs_K2HWC: Array
    """(K, 2, H, W, C) uint8, with C = 1 or 3 channels."""
    names: tuple[str, str]
    """What the first and the second image of a pair are, beside their rows: ('sample', 'nearest in training')."""

    def __post_init__(self) -> None:
        _check_texts(*self.names)
        check_images("pairs_K2HWC", self.pairs_K2HWC, 5)
        _demand(self.pairs_K2HWC.shape[1] == 2, f"pairs_K2HWC has the shape {self.pairs_K2HWC.shape}, not (K, 2, …)")
        _demand(len(self.names) == 2, f"a pair has two names, not {len(self.names)}")


@dataclass(frozen=True, eq=False)
class ImageSheet:
    """Images. Figure: a panel per model, filled row by row.

    Of several seeds, the first is shown. Raises `ValueError` unless there is at least one image.
    """

    images_NHWC: Array
    """(N, H, W, C) uint8, with C = 1 or 3 channels."""
    title: str
    """What the images are, above all panels."""

    def __post_init__(self) -> None:
        _check_texts(self.title)
        check_images("images_NHWC", self.images_NHWC, 4)


Exhibit = Spectrum | Profile | Matrix | LatentVectors | Strips | ImagePairs | ImageSheet
Exhibits = Mapping[str, Exhibit]
"""Name → exhibit. The figure has the exhibit's name: lower case, with hyphens."""
TYPES: tuple[type[Exhibit], ...] = (Spectrum, Profile, Matrix, LatentVectors, Strips, ImagePairs, ImageSheet)


def check_images(name: str, array: Array, rank: int) -> None:
    """Raise `ValueError` unless an array holds images in its last three dimensions: uint8 (…, H, W, 1 or 3)."""
    if not isinstance(array, np.ndarray):
        raise ValueError(f"{name} does not hold images: their type is uint8")
    check_form_of_images(name, array.dtype, array.shape, rank)


def check_form_of_images(name: str, dtype: np.dtype[Any], shape: tuple[int, ...], rank: int) -> None:
    """Raise as `check_images` does, for an array of this type and shape."""
    if dtype != np.uint8:
        raise ValueError(f"{name} does not hold images: their type is uint8")
    if len(shape) != rank or 0 in shape or shape[-1] not in (1, 3):
        raise ValueError(f"{name} does not hold images but {dtype} {shape}")


def _check_array(name: str, array: Array, kind: str, rank: int) -> None:
    """Raise `ValueError` unless an array has `rank` dimensions, none empty, and a numpy type of this `kind`."""
    _demand(isinstance(array, np.ndarray), f"{name} is a {type(array).__name__}, not an array of numpy's")
    fits = array.dtype.kind == kind and array.ndim == rank and 0 not in array.shape
    _demand(fits, f"{name} is {array.dtype} {array.shape}")


def _check_texts(*texts: object) -> None:
    for text in texts:
        _demand(isinstance(text, str), f"{text!r} is not text")


def _check_numbers(*numbers: object) -> None:
    for number in numbers:
        finite = isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)
        _demand(finite, f"{number!r} is not a number")


def _demand(fits: bool, words: str) -> None:
    if not fits:
        raise ValueError(words)
