"""From prepared images and their attributes to training and test data."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import numpy.typing as npt
import torch

from vaegan_bench.api import Data, DataError, Split
from vaegan_bench.datasets.preparation.array import Prepared

Scores = npt.NDArray[np.float32]
Attributes = npt.NDArray[np.bool_]


def hash_of(name: str) -> str:
    """The hash that decides an image's or a person's place in the order, so that it tells nothing about them."""
    return hashlib.sha256(name.encode()).hexdigest()


def divide(
    prepared: Prepared,
    trained: int,
    names: tuple[str, ...],
    attributes_NA: Attributes,
    scores_NA: Scores | None = None,
    remarks: tuple[str, ...] = (),
) -> Data:
    """The first `trained` sources as training part, the others as test part, both without those that were skipped.

    Attributes and scores have a row for every source. Raises `DataError` where a part is left empty.
    """
    kept_N = prepared.kept_N
    first_test = int((kept_N < trained).sum())
    if not 0 < first_test < len(kept_N):
        part = "test" if first_test else "training"
        raise DataError(f"No images are left for the {part} part: {len(kept_N)} images in all.")
    columns = [attributes_NA[kept_N], *(() if scores_NA is None else (scores_NA[kept_N],))]
    digest = hashlib.sha256(json.dumps([prepared.sha256, prepared.pixels.shape, first_test, names]).encode())
    for column in columns:
        digest.update(np.ascontiguousarray(column).data)
    attributes, *scores = map(torch.from_numpy, columns)
    whole = Split(torch.from_numpy(prepared.pixels), attributes, scores_NA=scores[0] if scores else None)
    parts = whole[:first_test], whole[first_test:]
    return Data(*parts, names, digest=digest.hexdigest(), left_out=prepared.left_out, remarks=remarks)
