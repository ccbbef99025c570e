"""All pairs of rows, block by block: neither N² products nor a float64 copy of the features is ever held.

Most of the time of a comparison goes into inner products, and float32 is twice as fast as float64. So products are
computed in float32, from features minus a common centre, and all else in float64. Where the side of an edge on which a
pair lies matters, the few doubtful pairs are measured again in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from vaegan_bench.system.memo import memo

BLOCK = 1024
"""Rows of a block, at most: memory grows with N, not with N²."""
VALUES = 2**21
"""Values of a block, at most: images have more than features."""
ROUNDING = {torch.float32: 1e-5, torch.float64: 1e-13}
"""More than rounding moves a squared distance, as a share of the squared norms."""

Pairs = Iterator[tuple[slice, slice, Tensor]]
"""Two ranges of rows, and the inner products of all rows in one with all rows in the other; (A, B)."""


@dataclass(frozen=True, eq=False)
class Points:
    """Features around a centre."""

    features_NF: Tensor
    centre_F: Tensor
    """Float64, but no finer than float32, so that it is the same centre in either."""
    in_float64: bool = False
    """Whether products are taken in float64 on any device."""

    def __len__(self) -> int:
        return len(self.features_NF)

    @property
    def working_type(self) -> torch.dtype:
        """The type in which products are taken."""
        return torch.float64 if self.in_float64 else working_type(self.features_NF)

    @property
    def width(self) -> int:
        """F."""
        return self.features_NF.shape[1]

    @property
    @memo
    def norms(self) -> Tensor:
        """|x − c|²; (N,) float64."""
        return by_blocks(self.features_NF, lambda rows: self.centre(rows).square_().sum(1, dtype=torch.float64))

    @property
    @memo
    def offsets(self) -> Tensor:
        """c·x − |c|²/2, so that x·y = (x − c)·(y − c) + offset(x) + offset(y); (N,) float64."""
        along_N = by_blocks(self.features_NF, lambda rows: self.features_NF[rows].double() @ self.centre_F)
        return along_N - self.centre_F.square().sum() / 2

    def centre(self, rows: slice) -> Tensor:
        """x − c of some rows, in the type in which products are taken."""
        finest = torch.promote_types(self.features_NF.dtype, self.working_type)
        centred_AF = self.features_NF[rows].to(finest) - self.centre_F.to(finest)
        return centred_AF.to(self.working_type)

    def rounding(self, squared_N: Tensor) -> Tensor:
        """More than the rounding of products moves the squared distances of points that are so near; (N,).

        A point at a distance d from x has at most the squared norm 2|x|² + 2d².
        """
        return ROUNDING[self.working_type] * (3 * self.norms + 2 * squared_N)


def blocks(rows_NF: Tensor, start: int = 0, thinner: int = 1) -> Iterator[slice]:
    """Ranges of rows from `start` on; `thinner` divides their length, where each row meets so many others."""
    size = max(1, min(BLOCK, VALUES // max(1, rows_NF.shape[1])) // thinner)
    return (slice(first, min(first + size, len(rows_NF))) for first in range(start, len(rows_NF), size))


def by_blocks(rows_NF: Tensor, measure: Callable[[slice], Tensor]) -> Tensor:
    """One float64 number for each row.

    Room for all of them is taken first: small results kept between large blocks would keep memory from being reused.
    """
    measured_N = rows_NF.new_empty(len(rows_NF), dtype=torch.float64)
    for rows in blocks(rows_NF):
        measured_N[rows] = measure(rows)
    return measured_N


def around(features_NF: Tensor, centre_F: Tensor | None = None) -> Points:
    """The features around a centre, by default their mean."""
    centre_F = mean(features_NF) if centre_F is None else centre_F
    return Points(features_NF, centre_F.float().double())


def mean(features_NF: Tensor) -> Tensor:
    """The mean of all rows; (F,) float64."""
    sum_F = features_NF.new_zeros(features_NF.shape[1], dtype=torch.float64)
    for rows in blocks(features_NF):
        sum_F += features_NF[rows].sum(0, dtype=torch.float64)
    return sum_F / len(features_NF)


def pairs_between(x: Points, y: Points) -> Pairs:
    """(x − c)·(y − c) of each x with each y, which have one centre."""
    for a in blocks(x.features_NF):
        x_AF = x.centre(a)
        for b in blocks(y.features_NF):
            yield a, b, x_AF @ y.centre(b).T


def pairs_within(x: Points) -> Pairs:
    """(x − c)·(y − c) of all rows with each other, half of them: a block (a, b) with a ≠ b stands for (b, a), too."""
    for a in blocks(x.features_NF):
        x_AF = x.centre(a)
        for b in blocks(x.features_NF, a.start):
            yield a, b, x_AF @ (x_AF if a == b else x.centre(b)).T


def working_type(features_NF: Tensor) -> torch.dtype:
    """Float32 on the CPU; GPUs may be set to round float32 to fewer digits, and are fast in float64."""
    faithful = features_NF.device.type == "cpu" and torch.get_float32_matmul_precision() == "highest"
    return torch.float32 if faithful else torch.float64


def squared_distances(products_AB: Tensor, norms_A: Tensor, norms_B: Tensor) -> Tensor:
    """|x − y|² from the products and the norms; rounding may take it below 0."""
    squared_AB = torch.add(norms_B.to(products_AB), products_AB, alpha=-2)
    return squared_AB.add_(norms_A.to(products_AB)[:, None])
