"""Features of images as metrics take them: checked, with the protocol that they bring."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from vaegan_bench.api import BenchError, Extractor, Outputs
from vaegan_bench.metrics.features.pairs import blocks
from vaegan_bench.system.device import has_float64

Protocol = Mapping[str, str | int | float]

EQUAL = 1e-5
"""Features that differ by less than this share of their size are equal: batches round differently."""


def column(metric: str, outputs: Outputs, extractor: Extractor, on_inception: str) -> str:
    """The row's name: `on_inception` for the features of the known Inception only, 'metric[extractor]' for others."""
    name = outputs.network(extractor).name
    return on_inception if name == "inception" else f"{metric}[{name}]"


def protocol_of(outputs: Outputs, extractor: Extractor) -> Protocol:
    """The shared protocol of numbers on features: the extractor, its weights, and how images reach it.

    The harness adds the split, which only it knows.
    """
    network = outputs.network(extractor)
    chosen = extractor.chosen_for(outputs.data)
    return {"extractor": chosen.name, "weights": network.digest[:12], **network.protocol}


def check_features(features_NF: Tensor, what: str, at_least: int = 2) -> Tensor:
    """The same features, on a device that has float64.

    Raises `BenchError` where there are fewer than `at_least` rows, or where a value is NaN or infinite.
    """
    if len(features_NF) < at_least:
        raise BenchError(f"{len(features_NF)} {what}: this metric needs at least {at_least}.")
    wrong = sum(int((~features_NF[rows].isfinite()).any(1).sum()) for rows in blocks(features_NF))
    if wrong:
        raise BenchError(f"Features of {wrong} of {len(features_NF)} {what} are NaN or infinite.")
    return to_float64_device(features_NF)


def to_float64_device(values: Tensor) -> Tensor:
    """The same values, on the CPU where their device has no float64."""
    return values if has_float64(values.device) else values.cpu()


def check_reference(features_NF: Tensor, at_least: int = 2) -> Tensor:
    """The checked features of real images, to which samples are compared.

    Raises `BenchError` as `check_features` does, and where all rows are equal.
    """
    real_NF = check_features(features_NF, "real images", at_least)
    first_F = real_NF[0]
    nothing_F = EQUAL * _sizes(first_F)
    if all(((real_NF[rows] - first_F).abs() <= nothing_F).all() for rows in blocks(real_NF)):
        raise BenchError(
            f"All {len(real_NF)} real images have equal features: nothing can be compared to them. "
            "Look at the real images, or choose another extractor."
        )
    return real_NF


def _sizes(row_F: Tensor) -> Tensor:
    """The size of each feature, in which rounding is measured: the median size for smaller ones, which may cancel."""
    size_F = row_F.abs()
    median = size_F.where(size_F > 0, torch.nan).nanmedian().nan_to_num()  # 0 where all are
    return size_F.clamp(min=median)
