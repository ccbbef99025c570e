"""Features of pictures as metrics take them: checked, in float64, with the protocol that they bring."""

from __future__ import annotations

from torch import Tensor

from vaegan_bench.api import BenchError, Extractor, Outputs
from vaegan_bench.extractors.inception import Inception

Protocol = dict[str, str | int | float]


def column(metric: str, extractor: Extractor, on_inception: str) -> str:
    """The row's name: `on_inception` for Inception's features only, 'metric[extractor]' for all others."""
    return on_inception if isinstance(extractor, Inception) else f"{metric}[{extractor}]"


def protocol_of(outputs: Outputs, extractor: Extractor) -> Protocol:
    """What every number on features rests on: the extractor, its weights, and how pictures reach it.

    The harness adds the split, which only it knows.
    """
    network = outputs.network(extractor)
    return {"extractor": extractor.name, "weights": network.digest[:12], **network.protocol}


def checked(features_NF: Tensor, what: str, at_least: int = 2) -> Tensor:
    """The features in float64.

    Raises `BenchError` where there are fewer than `at_least` rows, or where a value is NaN or infinite.
    """
    if len(features_NF) < at_least:
        raise BenchError(f"{len(features_NF)} {what}: this metric needs at least {at_least}.")
    wrong = int((~features_NF.isfinite()).any(1).sum())
    if wrong:
        raise BenchError(f"Features of {wrong} of {len(features_NF)} {what} are NaN or infinite.")
    return features_NF.double()
