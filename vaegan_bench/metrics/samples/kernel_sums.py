"""Sums of the kernel (x·y/F + 1)³ over pairs of images in random subsets, and the distance that they make."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from vaegan_bench.metrics.features.pairs import Points, around, mean, pairs_between, pairs_within

SUBSETS = 100
SUBSET_SIZE = 1000
SEED = 2020


class Subsets(NamedTuple):
    """Which images are in which subset; row numbers, without repeats within a subset."""

    fake_SK: Tensor
    real_SK: Tensor


def subset_size(n_real: int, n_fake: int) -> int:
    """1000 images, or all where there are fewer."""
    return min(SUBSET_SIZE, n_real, n_fake)


def draw_subsets(n_fake: int, n_real: int, subsets: int, size: int, seed: int) -> Subsets:
    """Subsets of `size` images of either side, 2 ≤ size ≤ N, drawn as torch-fidelity does: fake, real, fake, …"""
    random = np.random.RandomState(seed)
    drawn = [[random.choice(n, size, replace=False) for n in (n_fake, n_real)] for _ in range(subsets)]
    fake_SK, real_SK = torch.from_numpy(np.array(drawn)).unbind(1)
    return Subsets(fake_SK, real_SK)


def members(rows_SK: Tensor, like_NF: Tensor) -> Tensor:
    """The subsets as zeros and ones, (S, N) float64, on the device of the features."""
    member_SN = like_NF.new_zeros(len(rows_SK), len(like_NF), dtype=torch.float64)
    return member_SN.scatter_(1, rows_SK.to(like_NF.device), 1.0)


def kernel_distance(real_NF: Tensor, fake_NF: Tensor, subsets: Subsets, within_real_S: Tensor | None = None) -> float:
    """The mean over subsets of the unbiased MMD² (Gretton et al., 2012, eq. 3), one subset after the other.

    `within_real_S` is `sums_within` of the real images, where it is known.
    """
    real_S = sums_within(real_NF, subsets.real_SK) if within_real_S is None else within_real_S
    within_S = real_S + sums_within(fake_NF, subsets.fake_SK)
    return mean_distance(within_S, sums_between(real_NF, fake_NF, subsets), subsets.fake_SK.shape[1])


def mean_distance(within_S: Tensor, between_S: Tensor, size: int) -> float:
    """The mean distance from the kernel's sums over both sides' own pairs, and over the mixed pairs."""
    return float((within_S / (size * (size - 1)) - 2 * between_S / size**2).mean())


def sums_within(x_NF: Tensor, rows_SK: Tensor) -> Tensor:
    """The sum of k(xᵢ, xⱼ) over each subset's pairs with i ≠ j; (S,)."""
    sums_S = x_NF.new_empty(len(rows_SK), dtype=torch.float64)  # room for all at once, as in `by_blocks`
    for subset, rows_K in enumerate(rows_SK.to(x_NF.device)):
        sums_S[subset] = _sum_within(around(x_NF[rows_K]))
    return sums_S


def sums_between(real_NF: Tensor, fake_NF: Tensor, subsets: Subsets) -> Tensor:
    """The sum of k(x, y) over each subset's mixed pairs; (S,)."""
    centre_F, sums_S = mean(real_NF), fake_NF.new_empty(len(subsets.fake_SK), dtype=torch.float64)
    rows = zip(*(side_SK.to(fake_NF.device) for side_SK in subsets), strict=True)
    for subset, (fake_K, real_K) in enumerate(rows):
        sums_S[subset] = _sum_between(around(fake_NF[fake_K], centre_F), around(real_NF[real_K], centre_F))
    return sums_S


def kernel(products_AB: Tensor, x: Points, y: Points, a: slice, b: slice) -> Tensor:
    """(x·y/F + 1)³ in float64, from products around a common centre."""
    shift_A, shift_B = (offsets_N / x.width + 0.5 for offsets_N in (x.offsets[a, None], y.offsets[b]))
    inner_AB = products_AB.to(torch.float64, copy=True).div_(x.width)
    return inner_AB.add_(shift_B).add_(shift_A).pow_(3)


def kernel_within(products_AB: Tensor, x: Points, a: slice, b: slice) -> Tensor:
    """The kernel such that blocks with a ≤ b add up to all pairs i ≠ j: no diagonal, and all else twice."""
    kernel_AB = kernel(products_AB, x, x, a, b)
    return kernel_AB.fill_diagonal_(0) if a == b else kernel_AB.mul_(2)


def sums_over(kernel_AB: Tensor, member_SA: Tensor, member_SB: Tensor) -> Tensor:
    """The sum of a block of the kernel over each subset; (S,)."""
    return ((member_SA @ kernel_AB) * member_SB).sum(1)


def _sum_within(x: Points) -> Tensor:
    return torch.stack([kernel_within(products, x, a, b).sum() for a, b, products in pairs_within(x)]).sum()


def _sum_between(x: Points, y: Points) -> Tensor:
    return torch.stack([kernel(products, x, y, a, b).sum() for a, b, products in pairs_between(x, y)]).sum()
