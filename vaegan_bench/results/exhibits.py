"""The exhibits that figures are drawn from: what each must be, wherever it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
KNOWN = {
    "kl-per-dimension": ("f", 1),
    "attribute-matrix": ("f", 2),
    "attribute-names": ("U", 1),
    "strip-alphas": ("f", 1),
    "nearest-training": ("u", 5),
}
"""Exhibit of a built-in figure → the kind of its type, as numpy writes it, and its number of dimensions."""
STRIP = ("u", 5)
"""The same of 'strip-NAME'."""


def check_exhibits(exhibits: Mapping[str, Array]) -> None:
    """Raise `ValueError` where an exhibit is not what its figure needs; those that no figure knows are free."""
    for name, array in exhibits.items():
        if not isinstance(array, np.ndarray) or array.dtype.hasobject:
            raise ValueError(f"the exhibit '{name}' is not an array of numbers or of text")
        if (expected := _expected(name)) is not None:
            _check(name, array, *expected)
    _check_together(exhibits)


def check_images(name: str, array: Array, rank: int) -> None:
    """Raise `ValueError` unless an array holds images in its last three dimensions: uint8 (…, H, W, 1 or 3)."""
    if array.dtype != np.uint8 or array.ndim != rank or 0 in array.shape or array.shape[-1] not in (1, 3):
        raise ValueError(f"'{name}' does not hold images but {array.dtype} {array.shape}")


def _expected(name: str) -> tuple[str, int] | None:
    return KNOWN.get(name, STRIP if name.startswith("strip-") else None)


def _check(name: str, array: Array, kind: str, rank: int) -> None:
    if kind == "u":
        check_images(name, array, rank)
    elif array.dtype.kind != kind or array.ndim != rank or 0 in array.shape:
        raise ValueError(f"the exhibit '{name}' is {array.dtype} {array.shape}")


def _check_together(exhibits: Mapping[str, Array]) -> None:
    """Names belong to a matrix, alphas to strips, and two images to a pair."""
    matrix, names = exhibits.get("attribute-matrix"), exhibits.get("attribute-names")
    if (matrix is None) != (names is None) or (
        matrix is not None and names is not None and matrix.shape != 2 * names.shape
    ):
        raise ValueError("'attribute-matrix' and 'attribute-names' do not fit each other")
    alphas = exhibits.get("strip-alphas")
    for name, array in exhibits.items():
        if name.startswith("strip-") and (alphas is None or (array.ndim == 5 and array.shape[1:2] != alphas.shape)):
            raise ValueError(f"'{name}' and 'strip-alphas' do not fit each other")
    if (nearest := exhibits.get("nearest-training")) is not None and nearest.shape[1] != 2:
        raise ValueError(f"'nearest-training' does not hold pairs but {nearest.shape}")
