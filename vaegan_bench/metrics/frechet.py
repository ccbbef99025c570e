"""The Fréchet distance between Gaussians fitted to features; on Inception's features it is the FID."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from vaegan_bench.api import Extractor, Features, Measurement, Metric, Outputs
from vaegan_bench.extractors.efflite0 import EffLite0
from vaegan_bench.metrics.feature_sets import checked, column, protocol_of

PER_FEATURE = 8
"""Pictures per feature from which the bias is close enough to a multiple of 1/N to be taken away."""


@dataclass(frozen=True, kw_only=True)
class Frechet(Metric):
    """Squared Fréchet distance of samples to held-out pictures (Heusel et al., 2017, eq. 6); biased by the number.

    'fid' on Inception's features, 'frechet[…]' on any other. Lower is better, 0 is perfect. Where there are at least
    eight pictures per feature, a second row 'fid-debiased' or 'frechet-debiased[…]' has most of the bias removed.
    """

    name: ClassVar[str] = "frechet"
    family: ClassVar[str] = "sample quality"

    extractor: Extractor = field(default_factory=EffLite0)

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        """Measure; raises `BenchError` for fewer than two pictures and for features that are not finite."""
        real, samples = (outputs.features(self.extractor, source) for source in ("real", "samples"))
        fake_NF = checked(samples.features_NF, "samples")
        value = frechet_distance(_reference(real), fake_NF)
        numbers = {"n_real": len(real.features_NF), "n_fake": len(fake_NF)}
        protocol = {**protocol_of(outputs, self.extractor), **numbers}
        rows = [Measurement(column(self.name, self.extractor, "fid"), value, "lower", "1", protocol)]
        if min(numbers.values()) >= PER_FEATURE * fake_NF.shape[1]:
            name = column("frechet-debiased", self.extractor, "fid-debiased")
            rows.append(Measurement(name, debiased(value, _halves(real), fake_NF), "lower", "1", protocol))
        return rows


class Moments(NamedTuple):
    """A fitted Gaussian, float64."""

    mean_F: Tensor
    root_RF: Tensor
    """R with RᵀR = Σ, the unbiased covariance; it has min(N, F) rows."""


def moments(features_NF: Tensor) -> Moments:
    """Mean and a root of the unbiased covariance of at least two rows (N, F), float64."""
    mean_F, scaled_NF = _centred(features_NF)
    if len(scaled_NF) <= scaled_NF.shape[1]:
        return Moments(mean_F, scaled_NF)
    variances_F, axes_FF = torch.linalg.eigh(scaled_NF.T @ scaled_NF)
    return Moments(mean_F, variances_F.clamp(min=0).sqrt()[:, None] * axes_FF.T)


def frechet_distance(real: Moments, fake_NF: Tensor) -> float:
    """|μ₁ − μ₂|² + tr Σ₁ + tr Σ₂ − 2 tr √(Σ₁Σ₂) (Dowson & Landau, 1982, eq. 4), in squared feature units, ≥ 0."""
    mean_F, scaled_NF = _centred(fake_NF)
    shift = (real.mean_F - mean_F).square().sum()
    spread = real.root_RF.square().sum() + scaled_NF.square().sum() - 2 * _trace_of_root(real.root_RF, scaled_NF)
    return max(0.0, float(shift + spread))


def debiased(value: float, real_halves: tuple[Moments, Moments], fake_NF: Tensor) -> float:
    """2·d(N) − the mean of d on both halves: exact where the bias is proportional to 1/N; it may fall below 0.

    `value` is the distance of all pictures; `real_halves` are the real pictures of even and of odd number.
    """
    halves = zip(real_halves, (fake_NF[0::2], fake_NF[1::2]), strict=True)
    return 2 * value - sum(frechet_distance(real, fake) for real, fake in halves) / 2


def _trace_of_root(a_RF: Tensor, b_NF: Tensor) -> Tensor:
    """tr √(AᵀA BᵀB): the sum of the singular values of ABᵀ, from the smaller of its two Gram matrices."""
    cross_RN = a_RF @ b_NF.T
    gram = cross_RN @ cross_RN.T if len(a_RF) <= len(b_NF) else cross_RN.T @ cross_RN
    squares: Tensor = torch.linalg.eigvalsh(gram)
    return squares.clamp(min=0).sqrt().sum()


def _centred(features_NF: Tensor) -> tuple[Tensor, Tensor]:
    """The mean, and X with XᵀX = the unbiased covariance."""
    mean_F = features_NF.mean(0)
    return mean_F, (features_NF - mean_F) / (len(features_NF) - 1) ** 0.5


@lru_cache(maxsize=2)
def _reference(real: Features) -> Moments:
    """The moments of the real pictures, kept because all runs on one data set share them."""
    return moments(checked(real.features_NF, "real pictures"))


@lru_cache(maxsize=2)
def _halves(real: Features) -> tuple[Moments, Moments]:
    """The moments of both halves of the real pictures."""
    real_NF = checked(real.features_NF, "real pictures")
    return moments(real_NF[0::2]), moments(real_NF[1::2])
