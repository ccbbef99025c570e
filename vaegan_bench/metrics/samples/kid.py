"""The kernel inception distance: squared maximum mean discrepancy of features, unbiased at any number of images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from torch import Tensor

from vaegan_bench.api import Extractor, Features, Measurement, Metric, Outputs
from vaegan_bench.metrics.extractors.native import Native
from vaegan_bench.metrics.features.sets import check_features, check_reference, column, protocol_of
from vaegan_bench.metrics.samples.kernel_sums import (
    SEED,
    SUBSETS,
    draw_subsets,
    kernel_distance,
    subset_size,
    sums_within,
)
from vaegan_bench.metrics.samples.one_pass import compare_once, serves_both


@dataclass(frozen=True, kw_only=True)
class KID(Metric):
    """Unbiased MMD² with the kernel (x·y/F + 1)³, mean over 100 subsets (Bińkowski et al., 2018, section 4).

    One row: 'kid' on Inception's features, 'kid[…]' on any other. Lower is better; slightly below 0 is possible.
    """

    name: ClassVar[str] = "kid"
    family: ClassVar[str] = "sample quality"
    uses_samples: ClassVar[bool] = True
    extractor_field: ClassVar[str] = "extractor"

    extractor: Extractor = field(default_factory=Native)

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        """Measure on subsets of 1000, or of all images where there are fewer.

        Raises `BenchError` for fewer than two images, for features that are not finite, and for equal real images.
        """
        real_NF = check_features(outputs.features(self.extractor, "real").features_NF, "real images")
        fake_NF = check_features(outputs.features(self.extractor, "samples").features_NF, "samples")
        size = subset_size(len(real_NF), len(fake_NF))
        if serves_both(len(real_NF), len(fake_NF), size):
            value = compare_once(outputs, self.extractor, real_NF, fake_NF).kernel_distance
        else:
            value = self._alone(outputs, real_NF, fake_NF, size)
        numbers = {"n_real": len(real_NF), "n_fake": len(fake_NF), "subsets": SUBSETS, "subset_size": size}
        protocol = {**protocol_of(outputs, self.extractor), **numbers, "seed": SEED}
        return [Measurement(column(self.name, outputs, self.extractor, "kid"), value, "lower", "1", protocol)]

    def _alone(self, outputs: Outputs, real_NF: Tensor, fake_NF: Tensor, size: int) -> float:
        n_fake = len(fake_NF)
        known = outputs.reference(self.extractor, real_sums, n_fake=n_fake, size=size, subsets=SUBSETS, seed=SEED)
        subsets = draw_subsets(n_fake, len(real_NF), SUBSETS, size, SEED)
        return kernel_distance(real_NF, fake_NF, subsets, known["within"].to(fake_NF.device))


def squared_discrepancy(x_NF: Tensor, y_NF: Tensor) -> float:
    """The unbiased MMD² of two sets of N rows with k(x, y) = (x·y/F + 1)³ (Gretton et al., 2012, eq. 3), in float64.

    `kernel_distance` computes the same on each subset, with no more than a block of the kernel in memory.
    """
    n, width = x_NF.shape
    x, y = x_NF.double(), y_NF.double()
    k_xx, k_yy, k_xy = ((a @ b.T / width + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
    within = k_xx.sum() - k_xx.trace() + k_yy.sum() - k_yy.trace()
    return float(within / (n * (n - 1)) - 2 * k_xy.mean())


def real_sums(real: Features, n_fake: int, size: int, subsets: int, seed: int) -> Mapping[str, Tensor]:
    """The kernel's sums over pairs of real images; raises `BenchError` as `check_reference` does."""
    real_NF = check_reference(real.features_NF)
    return {"within": sums_within(real_NF, draw_subsets(n_fake, len(real_NF), subsets, size, seed).real_SK)}
