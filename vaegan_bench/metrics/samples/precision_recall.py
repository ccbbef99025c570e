"""Are samples among the real images, and real images among the samples? By nearest neighbours in feature space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from vaegan_bench.api import Extractor, Features, Measurement, Metric, Outputs
from vaegan_bench.metrics.extractors.native import Native
from vaegan_bench.metrics.features.pairs import around
from vaegan_bench.metrics.features.sets import check_features, check_reference, column, protocol_of
from vaegan_bench.metrics.samples.kernel_sums import subset_size
from vaegan_bench.metrics.samples.neighbourhoods import (
    K_DENSITY,
    K_PRECISION,
    Neighbourhoods,
    neighbourhoods,
    side,
    squared_radii,
)
from vaegan_bench.metrics.samples.one_pass import compare_once, serves_both

FEWEST = K_DENSITY + 1
EXACT = "donot_use_mm_for_euclid_dist"
"""The mode in which torch computes distances without the rounding of matrix products."""
K = {"precision": K_PRECISION, "recall": K_PRECISION, "density": K_DENSITY, "coverage": K_DENSITY}


@dataclass(frozen=True, kw_only=True)
class PrecisionRecall(Metric):
    """Precision and recall (Kynkäänniemi et al., 2019, eq. 1–2), density and coverage (Naeem et al., 2020, §3).

    Four rows, higher is better; shares in [0, 1], but density, which is 1 in expectation where samples are real
    images and may exceed it. A generator that repeats one real image has precision 1 and recall 0.
    """

    name: ClassVar[str] = "precision-recall"
    family: ClassVar[str] = "sample quality"
    headline: ClassVar[Mapping[str, str]] = {
        "precision": "realism of single samples",
        "recall": "variety of samples",
    }
    uses_samples: ClassVar[bool] = True
    extractor_field: ClassVar[str] = "extractor"

    extractor: Extractor = field(default_factory=Native)

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        """Measure; raises `BenchError` for fewer than six images, for features that are not finite, and for equal
        real images.
        """
        real_NF = check_features(outputs.features(self.extractor, "real").features_NF, "real images", FEWEST)
        fake_NF = check_features(outputs.features(self.extractor, "samples").features_NF, "samples", FEWEST)
        found = self._neighbourhoods(outputs, real_NF, fake_NF)
        shared = {**protocol_of(outputs, self.extractor), "n_real": len(real_NF), "n_fake": len(fake_NF)}
        names = {name: column(name, outputs, self.extractor, name) for name in K}
        return [
            Measurement(names[name], value, "higher", "1", {**shared, "k": K[name]})
            for name, value in found._asdict().items()
        ]

    def _neighbourhoods(self, outputs: Outputs, real_NF: Tensor, fake_NF: Tensor) -> Neighbourhoods:
        n_real, n_fake = len(real_NF), len(fake_NF)
        if serves_both(n_real, n_fake, subset_size(n_real, n_fake)):
            return compare_once(outputs, self.extractor, real_NF, fake_NF).neighbourhoods
        radii_NK = outputs.reference(self.extractor, real_radii)["radii"].to(fake_NF.device)
        real = around(real_NF)
        fake = around(fake_NF, real.centre_F)
        return neighbourhoods(side(real, radii_NK), side(fake, squared_radii(fake)))


def formulas(real_NF: Tensor, fake_NF: Tensor) -> Neighbourhoods:
    """All four numbers from all distances (Kynkäänniemi et al., 2019, eq. 1–2; Naeem et al., 2020, §3).

    `neighbourhoods` computes the same block by block. A point on the edge of a ball is inside.
    """
    real, fake = real_NF.double(), fake_NF.double()
    apart_FR = torch.cdist(fake, real, compute_mode=EXACT)
    real_NK, fake_NK = (torch.cdist(x, x, compute_mode=EXACT).sort(1).values for x in (real, fake))  # the first: itself
    precise_FR, dense_FR = apart_FR <= real_NK[:, K_PRECISION], apart_FR <= real_NK[:, K_DENSITY]
    recalled_FR = apart_FR <= fake_NK[:, K_PRECISION, None]
    precision, recall = precise_FR.any(1).double().mean(), recalled_FR.any(0).double().mean()
    density, coverage = dense_FR.double().sum(1).mean() / K_DENSITY, dense_FR.any(0).double().mean()
    return Neighbourhoods(*map(float, (precision, recall, density, coverage)))


def real_radii(real: Features) -> Mapping[str, Tensor]:
    """The squared radii of balls around real images; raises `BenchError` as `check_reference` does."""
    return {"radii": squared_radii(around(check_reference(real.features_NF, FEWEST)))}
