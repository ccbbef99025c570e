"""What an oracle sees in images, and the attributes that it has learned well enough."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from vaegan_bench.api import BenchError, Extractor, Outputs, Source
from vaegan_bench.metrics.extractors.attribute_scores import area_under_roc

USABLE_AUC = 0.9


def usable_attributes(outputs: Outputs, oracle: Extractor) -> Tensor:
    """Which attributes the oracle recognises with an AUC of .9 or more on held-out real images; (A,) bool."""
    return area_under_roc(oracle_logits(outputs, oracle, "real"), truth(outputs)) >= USABLE_AUC


def attribute_protocol(usable_A: Tensor, names: Sequence[str]) -> dict[str, str | int | float]:
    """For a protocol: how many attributes take part, and which ones the oracle does not know well enough."""
    left_out = [name for name, usable in zip(names, usable_A.tolist(), strict=True) if not usable]
    count: dict[str, str | int | float] = {"attributes": int(usable_A.sum())}
    return {**count, "left out": " ".join(left_out)} if left_out else count


def oracle_logits(outputs: Outputs, oracle: Extractor, source: Source) -> Tensor:
    """The oracle's log odds of each attribute, above 0 for 'on'; (N, A) float32 on the CPU.

    Raises `BenchError` where the extractor does not predict the attributes of the data.
    """
    if outputs.network(oracle).columns != outputs.data.attribute_names:
        raise BenchError(f"'{oracle}' does not predict the data's attributes: use 'oracle'.")
    return outputs.features(oracle, source).logits_NK.cpu()


def truth(outputs: Outputs) -> Tensor:
    """The true attributes of `outputs.real`; (N, A) bool."""
    return outputs.data.test.attributes_NA[: len(outputs.real)].cpu()


def truth_in_training(outputs: Outputs) -> Tensor:
    """The true attributes of `outputs.train`; (M, A) bool."""
    return outputs.data.train.attributes_NA[: len(outputs.train)].cpu()
