"""The kernel inception distance: squared maximum mean discrepancy of features, unbiased at any number of pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from vaegan_bench.api import Extractor, Measurement, Metric, Outputs
from vaegan_bench.extractors.efflite0 import EffLite0
from vaegan_bench.metrics.feature_sets import checked, column, protocol_of

SUBSETS = 100
SUBSET_SIZE = 1000
SEED = 2020
BLOCK = 1024
"""Rows of the kernel held at a time: memory grows with N, not with N²."""


@dataclass(frozen=True, kw_only=True)
class KID(Metric):
    """Unbiased MMD² with the kernel (x·y/F + 1)³, mean over 100 subsets (Bińkowski et al., 2018, section 4).

    One row: 'kid' on Inception's features, 'kid[…]' on any other. Lower is better; slightly below 0 is possible.
    """

    name: ClassVar[str] = "kid"
    family: ClassVar[str] = "sample quality"

    extractor: Extractor = field(default_factory=EffLite0)

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        """Measure on subsets of 1000, or of all pictures where there are fewer.

        Raises `BenchError` for fewer than two pictures and for features that are not finite.
        """
        real_NF = checked(outputs.features(self.extractor, "real").features_NF, "real pictures")
        fake_NF = checked(outputs.features(self.extractor, "samples").features_NF, "samples")
        size = min(SUBSET_SIZE, len(real_NF), len(fake_NF))
        value = kernel_distance(real_NF, fake_NF, SUBSETS, size)
        numbers = {"n_real": len(real_NF), "n_fake": len(fake_NF), "subsets": SUBSETS, "subset_size": size}
        protocol = {**protocol_of(outputs, self.extractor), **numbers, "seed": SEED}
        return [Measurement(column(self.name, self.extractor, "kid"), value, "lower", "1", protocol)]


def kernel_distance(real_NF: Tensor, fake_NF: Tensor, subsets: int, size: int, seed: int = SEED) -> float:
    """Mean over random subsets of the unbiased MMD² (Gretton et al., 2012, eq. 3), from float64 features.

    Each subset has `size` rows of either side, 2 ≤ size ≤ N. All subsets share one pass over the kernel.
    """
    fake_SN, real_SN = _subsets(len(fake_NF), len(real_NF), subsets, size, seed)
    within = _sums_within(fake_NF, fake_SN) + _sums_within(real_NF, real_SN)
    between = _sums(fake_NF, real_NF, fake_SN, real_SN)
    return float((within / (size * (size - 1)) - 2 * between / size**2).mean())


def _subsets(n_fake: int, n_real: int, subsets: int, size: int, seed: int) -> tuple[Tensor, Tensor]:
    """Who is in which subset, as zeros and ones, drawn in torch-fidelity's order: fake, real, fake, real, …"""
    random = np.random.RandomState(seed)
    chosen = (torch.zeros(subsets, n_fake).double(), torch.zeros(subsets, n_real).double())
    for subset in range(subsets):
        for member_SN in chosen:
            member_SN[subset, torch.from_numpy(random.choice(member_SN.shape[1], size, replace=False))] = 1
    return chosen


def _sums_within(x_NF: Tensor, member_SN: Tensor) -> Tensor:
    """The sum of k(xᵢ, xⱼ) over each subset's pairs with i ≠ j; (S,)."""
    diagonal_N = (x_NF.square().sum(1) / x_NF.shape[1] + 1).pow(3)
    return _sums(x_NF, x_NF, member_SN, member_SN) - member_SN @ diagonal_N


def _sums(x_NF: Tensor, y_MF: Tensor, x_SN: Tensor, y_SM: Tensor) -> Tensor:
    """The sum of k(x, y) over each subset's pairs; (S,)."""
    blocks = zip(x_NF.split(BLOCK), x_SN.split(BLOCK, dim=1), strict=True)
    sums_SM = torch.zeros_like(y_SM)
    for x, members in blocks:
        sums_SM += members @ (x @ y_MF.T / x_NF.shape[1] + 1).pow(3)
    return (sums_SM * y_SM).sum(1)
