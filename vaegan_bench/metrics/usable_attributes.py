"""The attributes that an oracle has learned well enough to be asked about."""

from __future__ import annotations

from torch import Tensor

from vaegan_bench.api import BenchError, Extractor, Outputs
from vaegan_bench.extractors.attribute_scores import area_under_roc

USABLE_AUC = 0.9
SHOWN = ("Smiling", "Eyeglasses")
"""Attributes that get rows of their own, where the data have them."""


def usable_attributes(outputs: Outputs, oracle: Extractor) -> Tensor:
    """Which attributes the oracle tells with an AUC of .9 or more on held-out real pictures; (A,) bool.

    Raises `BenchError` where the extractor does not predict the attributes of the data.
    """
    if outputs.network(oracle).columns != outputs.data.attribute_names:
        raise BenchError(f"'{oracle}' does not predict the data's attributes: use 'oracle'.")
    logits_NA = outputs.features(oracle, "real").logits_NK
    return area_under_roc(logits_NA, truth(outputs)) >= USABLE_AUC


def truth(outputs: Outputs) -> Tensor:
    """The true attributes of `outputs.real`; (N, A) bool."""
    return outputs.data.test.attributes_NA[: len(outputs.real)].cpu()
