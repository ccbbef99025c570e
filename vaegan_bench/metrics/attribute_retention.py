"""Whether pictures keep their attributes through encoding and decoding, as an oracle sees it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from vaegan_bench.api import Direction, Extractor, Measurement, Metric, Outputs
from vaegan_bench.extractors.attribute_scores import area_under_roc, balanced_accuracy
from vaegan_bench.extractors.oracle import Oracle
from vaegan_bench.metrics.feature_sets import protocol_of
from vaegan_bench.metrics.usable_attributes import truth, usable_attributes

SHUFFLES = 10
SEED = 2020


@dataclass(frozen=True, kw_only=True)
class AttributeRetention(Metric):
    """The oracle on reconstructions, against the truth and against the oracle on the originals.

    After the attribute similarity of Larsen et al. (2016, section 4.2), for models that are not conditional.
    Averaged over the attributes that the oracle knows (AUC ≥ .9); none for a model without an encoder.
    """

    name: ClassVar[str] = "attribute-retention"
    family: ClassVar[str] = "attributes"

    extractor: Extractor = field(default_factory=Oracle)

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        """Measure; only the number of attributes where the oracle knows none; no rows where the data have none."""
        if outputs.reconstructions is None or not outputs.data.attribute_names:
            return []
        usable_A = usable_attributes(outputs, self.extractor)
        known = int(usable_A.sum())
        protocol = {**protocol_of(outputs, self.extractor), "n_real": len(outputs.real), "attributes": known}
        rows: list[tuple[str, float, Direction, str]] = [("retention-attributes", known, "none", "attributes")]
        if known:
            scores = self._scores(outputs, usable_A)
            rows += [
                ("retention-agreement", scores.agreement, "higher", "1"),
                ("retention-auc", scores.auc, "higher", "1"),
                ("retention-auc-ceiling", scores.ceiling, "none", "1"),
                ("retention-auc-floor", scores.floor, "none", "1"),
                ("retention-skill", scores.skill, "higher", "1"),
            ]
        # An attribute that no picture here has, or all have, gives no score; if all are so, there is no row.
        return [Measurement(*row, protocol) for row in rows if not math.isnan(row[1])]

    def _scores(self, outputs: Outputs, usable_A: Tensor) -> Retention:
        original, reconstructed = (
            outputs.features(self.extractor, source).logits_NK[:, usable_A] for source in ("real", "reconstructions")
        )
        return retention(original, reconstructed, truth(outputs)[:, usable_A])


class Retention(NamedTuple):
    """Means over attributes, each in [0, 1]; skill is 1 for real pictures and 0 for chance."""

    agreement: float
    """Balanced accuracy of the oracle's decisions on reconstructions against its decisions on the originals."""
    auc: float
    """AUC of the oracle on reconstructions against the true attributes."""
    ceiling: float
    """The same on the originals."""
    floor: float
    """The same on reconstructions, against the attributes of other pictures."""

    @property
    def skill(self) -> float:
        """(auc − floor) / (ceiling − floor)."""
        return (self.auc - self.floor) / (self.ceiling - self.floor)


def retention(original_NA: Tensor, reconstructed_NA: Tensor, truth_NA: Tensor) -> Retention:
    """Retention from the oracle's logits on originals and on their reconstructions, and the true attributes."""
    noise = torch.Generator().manual_seed(SEED)
    shuffled = [truth_NA[torch.randperm(len(truth_NA), generator=noise)] for _ in range(SHUFFLES)]
    floor = torch.stack([area_under_roc(reconstructed_NA, other) for other in shuffled])
    return Retention(
        agreement=float(balanced_accuracy(reconstructed_NA > 0, original_NA > 0).nanmean()),
        auc=float(area_under_roc(reconstructed_NA, truth_NA).mean()),
        ceiling=float(area_under_roc(original_NA, truth_NA).mean()),
        floor=float(floor.mean()),
    )
