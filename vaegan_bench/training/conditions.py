"""Conditions of conditional models: a number for each attribute of an image."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from vaegan_bench.api import Data

Conditions = Mapping[str, tuple[float, float]]
"""Attribute → the numbers that stand for its absence and for its presence."""


def attribute_conditions(data: Data) -> dict[str, tuple[float, float]]:
    """−1 and 1 for each attribute; if attributes have scores, the mean scores of training images without and with it.

    An attribute that all or no training images have gets the mean over all images for the missing case.
    """
    names, train = data.attribute_names, data.train
    if train.scores_NA is None:
        return dict.fromkeys(names, (-1.0, 1.0))
    scores_NA, on_NA = train.scores_NA.double(), train.attributes_NA.bool()
    overall_A = scores_NA.mean(0)
    absent_A, present_A = (
        torch.where(part_NA.any(0), (scores_NA * part_NA).sum(0) / part_NA.sum(0).clamp(min=1), overall_A)
        for part_NA in (~on_NA, on_NA)
    )
    return dict(zip(names, zip(absent_A.tolist(), present_A.tolist(), strict=True), strict=True))
