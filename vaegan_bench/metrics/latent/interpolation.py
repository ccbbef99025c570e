"""How evenly images change on the way from one held-out image to another."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from vaegan_bench.api import BenchError, Exhibits, Extractor, Measurement, Metric, Outputs, Strips, at_least
from vaegan_bench.metrics.extractors.native import Native
from vaegan_bench.metrics.features.sets import Protocol, check_features, column, protocol_of
from vaegan_bench.metrics.intervals import Z, around

SHOWN = 4
"""Pairs in the figure."""


@dataclass(frozen=True, kw_only=True)
class Interpolation(Metric):
    """Perceptual path length between held-out images, over that of a straight path (Karras et al., 2019, eq. 2).

    'path-ratio[…]': the squared steps between neighbouring images in feature space, times their number, over the
    squared distance of the ends, at least 1; lower is smoother. Codes are interpolated spherically (White, 2016). None
    for a model without an encoder.
    """

    name: ClassVar[str] = "interpolation"
    family: ClassVar[str] = "latent"
    needs_model: ClassVar[bool] = True
    extractor_field: ClassVar[str] = "extractor"

    extractor: Extractor = field(default_factory=Native)
    pairs: int = 64
    """How many pairs of held-out images: the first with the second, the third with the fourth, …"""
    steps: int = 8
    """Steps from one image to the other."""

    def __post_init__(self) -> None:
        at_least(self, pairs=1, steps=2)

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        """Measure; raises `BenchError` for one image, features that are not finite, and images that do not change."""
        if outputs.means is None:
            return []
        images = decode_paths(outputs, self.pairs, self.steps).flatten(0, 1)
        features_MF = outputs.network(self.extractor)(images, outputs.progress).features_NF
        features_MF = check_features(features_MF, "interpolated images").double()
        value, reach = path_ratio(features_MF.unflatten(0, (-1, self.steps + 1)))
        numbers: Protocol = {"n_pairs": len(images) // (self.steps + 1), "steps": self.steps, "path": "spherical"}
        protocol = {**protocol_of(outputs, self.extractor), **numbers}
        name, ends = column("path-ratio", outputs, self.extractor, "path-ratio"), around(value, reach, least=1.0)
        return [Measurement(name, value, "lower", "1", protocol, **ends, ceiling=1.0)]

    def exhibits(self, outputs: Outputs) -> Exhibits:
        """'interpolation': the images on the first four paths, with reconstructions at their ends."""
        if outputs.means is None:
            return {}
        images = decode_paths(outputs, SHOWN, self.steps).permute(0, 1, 3, 4, 2).contiguous().cpu().numpy()
        titles = tuple(f"held-out images {2 * k + 1} and {2 * k + 2}" for k in range(len(images)))
        steps = tuple(step / self.steps for step in range(self.steps + 1))
        return {self.name: Strips(images, titles=titles, steps=steps, symbol="t")}


def path_ratio(features_PSF: Tensor) -> tuple[float, float | None]:
    """Σ S Σ|step|² / Σ|end − start|² over P paths of S steps, and the half-width of its 95 % interval over paths.

    By the inequalities of Jensen and of the triangle it is at least 1, and 1 for equal steps in one direction. The
    half-width is that of a ratio of two means (Cochran, 1977, chapter 6), and None for a single path. Raises
    `BenchError` where all paths end where they begin.
    """
    steps_PS = features_PSF.diff(dim=1).square().sum(2)
    energy_P = steps_PS.shape[1] * steps_PS.sum(1)
    straight_P = (features_PSF[:, -1] - features_PSF[:, 0]).square().sum(1)
    if not float(straight_P.sum()):
        raise BenchError("Interpolations end where they begin: the features of all reconstructions are equal.")
    value, paths = float(energy_P.sum() / straight_P.sum()), len(straight_P)
    influence_P = (energy_P - value * straight_P) / straight_P.sum()
    if paths == 1:
        return value, None
    return value, Z * float(influence_P.square().sum().sqrt()) * (paths / (paths - 1)) ** 0.5


def decode_paths(outputs: Outputs, pairs: int, steps: int) -> Tensor:
    """The images on the paths between held-out images 1 and 2, 3 and 4, …; (P, S + 1, C, H, W) uint8.

    A conditional model's attributes change linearly. Raises `BenchError` for fewer than two images.
    """
    assert outputs.means is not None
    pairs = min(pairs, len(outputs.means) // 2)
    if not pairs:
        raise BenchError("One held-out image: an interpolation needs two.")
    t_S = torch.linspace(0, 1, steps + 1)
    first_PZ, last_PZ = outputs.means[: 2 * pairs].unflatten(0, (pairs, 2)).unbind(1)
    codes_PSZ = spherical(first_PZ, last_PZ, t_S)
    attributes_MA = None
    if outputs.conditional:
        first_PA, last_PA = outputs.data.test.conditions[: 2 * pairs].unflatten(0, (pairs, 2)).unbind(1)
        attributes_MA = torch.lerp(first_PA[:, None], last_PA[:, None], t_S[:, None]).flatten(0, 1)
    images: Tensor = outputs.decode(codes_PSZ.flatten(0, 1), attributes_MA).unflatten(0, (pairs, steps + 1))
    return images


def spherical(first_PZ: Tensor, last_PZ: Tensor, t_S: Tensor) -> Tensor:
    """sin((1 − t)θ)/sin θ · first + sin(tθ)/sin θ · last, with θ between them (White, 2016, section 2.1); (P, S, Z).

    Codes of N(0, I) lie near a sphere, which a straight path would leave. Straight where codes are parallel.
    """
    cosine_P = torch.cosine_similarity(first_PZ.double(), last_PZ.double(), dim=1).clamp(-1, 1)
    theta_P11, t_S1 = cosine_P.acos()[:, None, None], t_S.double()[:, None]
    straight_P11 = theta_P11.sin() < 1e-6
    safe_P11 = torch.where(straight_P11, 1.0, theta_P11)
    before, after = (
        torch.where(straight_P11, share, (share * safe_P11).sin() / safe_P11.sin()) for share in (1 - t_S1, t_S1)
    )
    return (before * first_PZ[:, None] + after * last_PZ[:, None]).float()
