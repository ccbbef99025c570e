"""Whether images keep their attributes through encoding and decoding, as an oracle sees it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from vaegan_bench.api import Extractor, Measurement, Metric, Outputs
from vaegan_bench.metrics.attributes.rows import Estimate, Kind, auc, rows
from vaegan_bench.metrics.attributes.usable_attributes import USABLE_AUC, attribute_protocol, oracle_logits, truth
from vaegan_bench.metrics.extractors.attribute_scores import (
    area_under_roc,
    balanced_accuracy,
    influence_on_balanced_accuracy,
)
from vaegan_bench.metrics.extractors.oracle import Oracle
from vaegan_bench.metrics.features.sets import Protocol, protocol_of

SHUFFLES = 10
SEED = 2020
ORACLE_AUC = Kind("oracle-auc", "none")
AUC = Kind("retention-auc", "higher")
SKILL = Kind("retention-skill", "higher", least=-math.inf, most=math.inf)
AGREEMENT = Kind("retention-agreement", "higher")


@dataclass(frozen=True, kw_only=True)
class AttributeRetention(Metric):
    """The oracle's decisions on reconstructions, compared with the true attributes and with those on the originals.

    After the attribute similarity of Larsen et al. (2016, section 4.2).
    Per attribute that the oracle knows (AUC ≥ .9) and in their mean; none for a model without an encoder, nor for a
    conditional one, whose decoder is conditioned on the attributes.
    """

    name: ClassVar[str] = "attribute-retention"
    family: ClassVar[str] = "attributes"
    headline: ClassVar[Mapping[str, str]] = {"retention-auc": "attributes kept in reconstructions"}
    needs_model: ClassVar[bool] = True

    extractor: Extractor = field(default_factory=Oracle)

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        """Measure; attributes that the oracle does not know have only its own AUC; no rows where the data have none."""
        if outputs.conditional or outputs.reconstructions is None or not outputs.data.attribute_names:
            return []
        original_NA, reconstructed_NA = (
            oracle_logits(outputs, self.extractor, source) for source in ("real", "reconstructions")
        )
        protocol = {**protocol_of(outputs, self.extractor), "n_real": len(outputs.real)}
        return retention_rows(original_NA, reconstructed_NA, truth(outputs), outputs.data.attribute_names, protocol)


def retention_rows(
    original_NA: Tensor, reconstructed_NA: Tensor, truth_NA: Tensor, names: tuple[str, ...], protocol: Protocol
) -> list[Measurement]:
    """All rows, from the oracle's logits on originals and on their reconstructions, and the true attributes."""
    ceiling = auc(original_NA, truth_NA)
    known_A = ceiling.values_A >= USABLE_AUC
    kept, floor_A = auc(reconstructed_NA, truth_NA).only(known_A), chance(reconstructed_NA, truth_NA)
    agreed = agreement(original_NA, reconstructed_NA).only(known_A)
    whole = skill(kept.mean(), ceiling.only(known_A).mean(), floor_A[known_A].mean())
    measured = int(ceiling.values_A.isfinite().sum())
    own, protocol = {**protocol, "attributes": measured}, {**protocol, **attribute_protocol(known_A, names)}
    return [
        Measurement("retention-attributes", int(known_A.sum()), "none", "attributes", protocol),
        *rows(AUC, kept, names, protocol, ceiling_A=ceiling.values_A, floor_A=floor_A),
        *rows(SKILL, skill(kept, ceiling, floor_A), names, protocol, overall=whole),
        *rows(AGREEMENT, agreed, names, protocol),
        *rows(ORACLE_AUC, ceiling, names, own),
    ]


def agreement(original_NA: Tensor, reconstructed_NA: Tensor) -> Estimate:
    """Balanced accuracy of the oracle's decisions on reconstructions against its decisions on the originals."""
    before_NA, after_NA = original_NA > 0, reconstructed_NA > 0
    return Estimate(balanced_accuracy(after_NA, before_NA), influence_on_balanced_accuracy(after_NA, before_NA))


def chance(logits_NA: Tensor, truth_NA: Tensor) -> Tensor:
    """AUC against the attributes of other images, averaged over 10 shuffles; (A,)."""
    noise = torch.Generator().manual_seed(SEED)
    shuffled = [truth_NA[torch.randperm(len(truth_NA), generator=noise)] for _ in range(SHUFFLES)]
    return torch.stack([area_under_roc(logits_NA, other_NA) for other_NA in shuffled]).mean(0)


def skill(kept: Estimate, ceiling: Estimate, floor_A: Tensor) -> Estimate:
    """(auc − floor) / (ceiling − floor): 1 for real images, 0 for chance.

    Its interval follows from those of the two AUCs on the same images (delta method), the floor held fixed.
    """
    range_A = ceiling.values_A - floor_A
    values_A = (kept.values_A - floor_A) / range_A
    return Estimate(values_A, (kept.influence_NA - values_A * ceiling.influence_NA) / range_A)
