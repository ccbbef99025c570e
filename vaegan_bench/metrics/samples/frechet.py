"""The Fréchet distance between Gaussians fitted to features; on Inception's features it is the FID."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from vaegan_bench.api import Extractor, Features, Measurement, Metric, Outputs
from vaegan_bench.metrics.extractors.native import Native
from vaegan_bench.metrics.features.pairs import blocks, mean
from vaegan_bench.metrics.features.sets import check_features, check_reference, column, protocol_of

PER_FEATURE = 8
"""Images per feature from which the bias is close enough to a multiple of 1/N to be removed."""

COLUMNS = 256
"""Features whose covariances with themselves and all later ones are computed at once, which halves the work."""


@dataclass(frozen=True, kw_only=True)
class Frechet(Metric):
    """Squared Fréchet distance of samples to held-out images (Heusel et al., 2017, eq. 6); biased by the number.

    'fid' on Inception's features, 'frechet[…]' on any other. Lower is better, 0 is perfect. Where there are at least
    eight images per feature, a second row 'fid-debiased' or 'frechet-debiased[…]' has most of the bias removed.
    """

    name: ClassVar[str] = "frechet"
    family: ClassVar[str] = "sample quality"
    headline: ClassVar[Mapping[str, str]] = dict.fromkeys(("frechet", "fid"), "likeness of samples to real images")
    uses_samples: ClassVar[bool] = True
    extractor_field: ClassVar[str] = "extractor"
    known_as: ClassVar[Mapping[str, str]] = {
        "fid": "frechet[extractor=inception]",
        "fid-debiased": "frechet[extractor=inception]",
    }

    extractor: Extractor = field(default_factory=Native)

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        """Measure; raises `BenchError` for fewer than two images, for features that are not finite, and for equal
        real images.
        """
        fake_NF = check_features(outputs.features(self.extractor, "samples").features_NF, "samples")
        value = frechet_distance(moments_of_real(outputs, self.extractor, fake_NF), fake_NF)
        numbers = {"n_real": len(outputs.features(self.extractor, "real").features_NF), "n_fake": len(fake_NF)}
        protocol = {**protocol_of(outputs, self.extractor), **numbers}
        rows = [Measurement(column(self.name, outputs, self.extractor, "fid"), value, "lower", "1", protocol)]
        if min(numbers.values()) >= PER_FEATURE * fake_NF.shape[1]:
            name = column("frechet-debiased", outputs, self.extractor, "fid-debiased")
            halves = [moments_of_real(outputs, self.extractor, fake_NF, first, step=2) for first in (0, 1)]
            rows.append(Measurement(name, debias(value, halves, fake_NF), "lower", "1", protocol))
        return rows


def distance_of_gaussians(mean1_F: Tensor, cov1_FF: Tensor, mean2_F: Tensor, cov2_FF: Tensor) -> Tensor:
    """|μ₁ − μ₂|² + tr Σ₁ + tr Σ₂ − 2 tr √(Σ₁Σ₂) (Dowson & Landau, 1982), from covariances in float64.

    `frechet_distance` computes the same from roots of the covariances, which are small where there are few images.
    """
    overlap: Tensor = torch.linalg.eigvals(cov1_FF @ cov2_FF).real.clamp(min=0).sqrt().sum()
    shift: Tensor = (mean1_F - mean2_F).square().sum()
    spread: Tensor = cov1_FF.trace() + cov2_FF.trace()
    return shift + spread - 2 * overlap


class Moments(NamedTuple):
    """A fitted Gaussian, float64."""

    mean_F: Tensor
    root_RF: Tensor
    """R with RᵀR = Σ, the unbiased covariance; it has min(N, F) rows."""


def moments_of_real(outputs: Outputs, extractor: Extractor, fake_NF: Tensor, first: int = 0, step: int = 1) -> Moments:
    """The moments of every `step`-th held-out image, kept on disk, on the device of the features to compare with."""
    known = outputs.reference(extractor, real_moments, first=first, step=step)
    return Moments(*(known[name].to(fake_NF.device) for name in ("mean", "root")))


def real_moments(real: Features, first: int, step: int) -> Mapping[str, Tensor]:
    """The moments of every `step`-th real image; raises `BenchError` as `check_reference` does."""
    found = moments(check_reference(real.features_NF[first::step]))
    return {"mean": found.mean_F, "root": found.root_RF}


def moments(features_NF: Tensor) -> Moments:
    """Mean and a root of the unbiased covariance of at least two rows (N, F)."""
    mean_F = mean(features_NF)
    if len(features_NF) <= features_NF.shape[1]:
        return Moments(mean_F, _scale(features_NF, mean_F))
    return Moments(mean_F, _root(covariance(features_NF, mean_F)))


def frechet_distance(real: Moments, fake_NF: Tensor) -> float:
    """|μ₁ − μ₂|² + tr Σ₁ + tr Σ₂ − 2 tr √(Σ₁Σ₂) (Dowson & Landau, 1982), in squared feature units, ≥ 0."""
    return max(0.0, float(_distance(real, fake_NF)))


def debias(value: float, real_halves: Sequence[Moments], fake_NF: Tensor) -> float:
    """2·d(N) − the mean of d on both halves: exact where the bias is proportional to 1/N; it may fall below 0.

    `value` is the distance of all images; `real_halves` are the real images of even and of odd number.
    """
    halves = zip(real_halves, (fake_NF[0::2], fake_NF[1::2]), strict=True)
    return 2 * value - sum(frechet_distance(real, fake) for real, fake in halves) / 2


def covariance(features_NF: Tensor, mean_F: Tensor) -> Tensor:
    """The unbiased covariance; (F, F) float64."""
    upper_FF = mean_F.new_zeros(len(mean_F), len(mean_F))
    for rows in blocks(features_NF):
        centred_BF = features_NF[rows].double() - mean_F
        for first in range(0, len(mean_F), COLUMNS):
            columns = slice(first, first + COLUMNS)
            upper_FF[columns, first:] += centred_BF[:, columns].T @ centred_BF[:, first:]
    covariance_FF: Tensor = (upper_FF.triu() + upper_FF.triu(1).T) / (len(features_NF) - 1)
    return covariance_FF


def _distance(real: Moments, fake_NF: Tensor) -> Tensor:
    """The distance as a tensor; rounding may take it below 0."""
    mean_F = mean(fake_NF)
    if len(fake_NF) <= fake_NF.shape[1]:
        scaled_NF = _scale(fake_NF, mean_F)
        variance, squares_RR = scaled_NF.square().sum(), _smaller_gram(real.root_RF @ scaled_NF.T)
    else:
        covariance_FF = covariance(fake_NF, mean_F)
        variance, squares_RR = covariance_FF.trace(), real.root_RF @ covariance_FF @ real.root_RF.T
    # tr √(AᵀA BᵀB) is the sum of the singular values of ABᵀ.
    overlap: Tensor = torch.linalg.eigvalsh(squares_RR).clamp(min=0).sqrt().sum()
    shift, spread = (real.mean_F - mean_F).square().sum(), real.root_RF.square().sum() + variance
    return shift + spread - 2 * overlap


def _smaller_gram(cross_RN: Tensor) -> Tensor:
    return cross_RN @ cross_RN.T if len(cross_RN) <= cross_RN.shape[1] else cross_RN.T @ cross_RN


def _scale(features_NF: Tensor, mean_F: Tensor) -> Tensor:
    """X with XᵀX = the unbiased covariance, for N ≤ F: no larger than the covariance itself."""
    centred_NF: Tensor = features_NF.double() - mean_F
    return centred_NF.div_((len(features_NF) - 1) ** 0.5)


def _root(covariance_FF: Tensor) -> Tensor:
    """R with RᵀR = Σ: by Cholesky's method, or where Σ is singular by its axes, which takes ten times as long."""
    root_FF: Tensor
    root_FF, failed = torch.linalg.cholesky_ex(covariance_FF, upper=True)
    if failed:
        variances_F, axes_FF = torch.linalg.eigh(covariance_FF)
        root_FF = variances_F.clamp(min=0).sqrt()[:, None] * axes_FF.T
    return root_FF
