"""Whether adding an attribute's direction to a code puts the attribute into the picture, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from vaegan_bench.api import BenchError, Direction, Extractor, Measurement, Metric, Outputs, at_least
from vaegan_bench.extractors.oracle import Oracle
from vaegan_bench.metrics.feature_sets import protocol_of
from vaegan_bench.metrics.usable_attributes import SHOWN, truth, usable_attributes

SEED = 2020


class Effect(NamedTuple):
    """What one shift of codes did, each a share in [0, 1]."""

    flips: float
    """Pictures in which the attribute appeared."""
    leakage: float
    """Decisions on the other attributes that changed."""


@dataclass(frozen=True, kw_only=True)
class AttributeVectors(Metric):
    """Flips and leakage of visual attribute vectors, z + α(mean(z|on) − mean(z|off)) (Larsen et al., 2016, 4.3).

    Beside a random direction of equal length. Averaged over the attributes that the oracle knows (AUC ≥ .9),
    on held-out pictures without the attribute; none for a model without an encoder.
    """

    name: ClassVar[str] = "attribute-vectors"
    family: ClassVar[str] = "attributes"

    extractor: Extractor = field(default_factory=Oracle)
    alpha: float = 1.0
    """How far along the vector codes are moved."""
    pictures: int = 256
    """At most so many held-out pictures per attribute."""

    def __post_init__(self) -> None:
        at_least(self, pictures=1)

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        """Measure; no rows where the model has no encoder, or the oracle knows no attribute of the data."""
        means_NZ, train_MZ = outputs.means, outputs.train_means
        if means_NZ is None or train_MZ is None or not outputs.data.attribute_names:
            return []
        vectors_AZ = attribute_vectors(train_MZ, outputs.data.train.attributes_NA[: len(train_MZ)])
        known_A = usable_attributes(outputs, self.extractor) & vectors_AZ.isfinite().all(1)
        moved = self._effects(outputs, means_NZ, vectors_AZ, known_A)
        control = self._effects(outputs, means_NZ, random_vectors(vectors_AZ, SEED), known_A)
        protocol = {
            **protocol_of(outputs, self.extractor),
            "n_real": len(means_NZ),
            "n_train": len(train_MZ),
            "attributes": int(known_A.sum()),
            "pictures": self.pictures,
            "alpha": self.alpha,
        }
        return [Measurement(*row, "share", protocol) for row in rows(moved, control)]

    def _effects(self, outputs: Outputs, means_NZ: Tensor, vectors_AZ: Tensor, known_A: Tensor) -> dict[str, Effect]:
        """The effect of each known attribute's vector on pictures that neither have it nor show it when decoded."""
        oracle = outputs.network(self.extractor)
        before_NA = outputs.features(self.extractor, "reconstructions").logits_NK > 0
        without_NA = ~truth(outputs) & ~before_NA
        effects = {}
        for attribute in known_A.nonzero().flatten().tolist():
            chosen = without_NA[:, attribute].nonzero().flatten()[: self.pictures]
            if len(chosen):
                shift_Z = self.alpha * vectors_AZ[attribute].to(means_NZ)
                after_NA = oracle(outputs.decode(means_NZ[chosen.to(means_NZ.device)] + shift_Z)).logits_NK > 0
                name = outputs.data.attribute_names[attribute]
                effects[name] = effect(before_NA[chosen], after_NA, attribute, known_A)
        return effects


def attribute_vectors(means_MZ: Tensor, attributes_MA: Tensor) -> Tensor:
    """mean(z|on) − mean(z|off) per attribute, float64; (A, Z), NaN where all pictures have the attribute, or none.

    Raises `BenchError` for codes that are not finite.
    """
    if not means_MZ.isfinite().all():
        raise BenchError("Posterior means of training pictures are NaN or infinite.")
    z_MZ, on_MA = means_MZ.cpu().double(), attributes_MA.cpu().double()
    with_AZ: Tensor = on_MA.T @ z_MZ / on_MA.sum(0)[:, None]
    without_AZ: Tensor = (1 - on_MA).T @ z_MZ / (1 - on_MA).sum(0)[:, None]
    return with_AZ - without_AZ


def random_vectors(vectors_AZ: Tensor, seed: int) -> Tensor:
    """Directions drawn uniformly, each as long as the vector in its place; (A, Z)."""
    random_AZ = torch.randn(vectors_AZ.shape, generator=torch.Generator().manual_seed(seed), dtype=vectors_AZ.dtype)
    longer_A: Tensor = vectors_AZ.norm(dim=1) / random_AZ.norm(dim=1)
    return random_AZ * longer_A[:, None]


def effect(before_NA: Tensor, after_NA: Tensor, attribute: int, known_A: Tensor) -> Effect:
    """What changed in the oracle's decisions (bools), on pictures that were without the attribute before."""
    crossed_NA = before_NA != after_NA
    others_A = known_A.clone()
    others_A[attribute] = False
    leakage = float(crossed_NA[:, others_A].double().mean()) if others_A.any() else 0.0
    return Effect(float(crossed_NA[:, attribute].double().mean()), leakage)


def mean_effect(effects: dict[str, Effect]) -> Effect:
    """The mean over attributes, each counting equally."""
    flips, leakage = zip(*effects.values(), strict=True)
    return Effect(sum(flips) / len(flips), sum(leakage) / len(leakage))


def rows(moved: dict[str, Effect], control: dict[str, Effect]) -> list[tuple[str, float, Direction]]:
    """Each row's name, value and direction, from the effects of the vectors and of random directions."""
    if not moved:
        return []
    vector, chance = mean_effect(moved), mean_effect(control)
    found: list[tuple[str, float, Direction]] = [
        ("flip-rate", vector.flips, "higher"),
        ("flip-leakage", vector.leakage, "none"),
        ("flip-rate-random", chance.flips, "none"),
        ("flip-leakage-random", chance.leakage, "none"),
    ]
    for name in (name for name in SHOWN if name in moved):
        found += [(f"flip-rate[{name}]", moved[name].flips, "higher")]
        found += [(f"flip-leakage[{name}]", moved[name].leakage, "none")]
    return found
