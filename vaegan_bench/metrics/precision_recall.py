"""Are samples among the real pictures, and real pictures among the samples? By nearest neighbours in feature space."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from vaegan_bench.api import Extractor, Features, Measurement, Metric, Outputs
from vaegan_bench.extractors.efflite0 import EffLite0
from vaegan_bench.metrics.feature_sets import checked, column, protocol_of

K_PRECISION = 3
"""Neighbours of precision and recall, as Kynkäänniemi et al. (2019) chose."""
K_DENSITY = 5
"""Neighbours of density and coverage, as Naeem et al. (2020) chose."""
BLOCK = 1024
"""Rows of distances held at a time: memory grows with N, not with N²."""


@dataclass(frozen=True, kw_only=True)
class PrecisionRecall(Metric):
    """Precision and recall (Kynkäänniemi et al., 2019, eq. 1–2), density and coverage (Naeem et al., 2020, eq. 4–5).

    Four rows, higher is better; shares in [0, 1], but density, which is 1 in expectation where samples are real
    pictures and may exceed it. A generator that repeats one real picture has precision 1 and recall 0.
    """

    name: ClassVar[str] = "precision-recall"
    family: ClassVar[str] = "sample quality"

    extractor: Extractor = field(default_factory=EffLite0)

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        """Measure; raises `BenchError` for fewer than six pictures and for features that are not finite."""
        real = outputs.features(self.extractor, "real")
        fake_NF = checked(outputs.features(self.extractor, "samples").features_NF, "samples", at_least=K_DENSITY + 1)
        found = neighbourhoods(_reference(real), fake_NF)
        numbers = {"n_real": len(real.features_NF), "n_fake": len(fake_NF)}
        shared = {**protocol_of(outputs, self.extractor), **numbers}
        by_neighbours = {"precision": K_PRECISION, "recall": K_PRECISION, "density": K_DENSITY, "coverage": K_DENSITY}
        return [
            Measurement(column(name, self.extractor, name), value, "higher", "1", {**shared, "k": by_neighbours[name]})
            for name, value in found._asdict().items()
        ]


class Balls(NamedTuple):
    """Points, and the distance from each to its k-th nearest neighbour among the others; float64."""

    points_NF: Tensor
    precision_N: Tensor
    """Radii for k = 3."""
    density_N: Tensor
    """Radii for k = 5."""


class Neighbourhoods(NamedTuple):
    """What two sets of features say of each other."""

    precision: float
    """The share of samples inside of a ball around a real picture."""
    recall: float
    """The share of real pictures inside of a ball around a sample."""
    density: float
    """The balls around real pictures that hold a sample, in the mean over samples, by k."""
    coverage: float
    """The share of real pictures whose ball holds a sample."""


def balls(points_NF: Tensor) -> Balls:
    """Measure the radii of at least six rows (N, F), float64."""
    nearest = [
        torch.cdist(block, points_NF).topk(K_DENSITY + 1, largest=False).values for block in points_NF.split(BLOCK)
    ]
    nearest_NK = torch.cat(nearest)  # the first is the point itself
    return Balls(points_NF, nearest_NK[:, K_PRECISION], nearest_NK[:, K_DENSITY])


def neighbourhoods(real: Balls, fake_NF: Tensor) -> Neighbourhoods:
    """Precision, recall, density and coverage of samples (N, F), float64. On the edge of a ball is inside."""
    fake = balls(fake_NF)
    inside, held = 0, 0
    recalled_R = torch.zeros(len(real.points_NF), dtype=torch.bool)
    covered_R = torch.zeros(len(real.points_NF), dtype=torch.bool)
    for block_BF, radii_B in zip(fake_NF.split(BLOCK), fake.precision_N.split(BLOCK), strict=True):
        distance_BR = torch.cdist(block_BF, real.points_NF)
        inside += int((distance_BR <= real.precision_N).any(1).sum())
        in_ball_BR = distance_BR <= real.density_N
        held += int(in_ball_BR.sum())
        covered_R |= in_ball_BR.any(0)
        recalled_R |= (distance_BR <= radii_B[:, None]).any(0)
    n = len(fake_NF)
    return Neighbourhoods(
        inside / n, float(recalled_R.double().mean()), held / (K_DENSITY * n), float(covered_R.double().mean())
    )


@lru_cache(maxsize=2)
def _reference(real: Features) -> Balls:
    """The balls around real pictures, kept because all runs on one data set share them."""
    return balls(checked(real.features_NF, "real pictures", at_least=K_DENSITY + 1))
