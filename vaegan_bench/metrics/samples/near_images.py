"""Images that are near each other pixel by pixel, found without comparing all pairs in full.

The sums of an image's blocks of b × b values, divided by b, are an orthogonal projection: two images are never nearer
than their projections. So pairs are ruled out by 8 × 8 blocks per channel first, by 32 × 32 where many are left, and
what is left then is measured exactly, from the 8-bit values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from vaegan_bench.api import Progress, silent
from vaegan_bench.metrics.features.pairs import blocks, working_type
from vaegan_bench.system.memo import memo

COARSE, FINE, WHOLE = 8, 32, 2**30
"""Blocks per side of the projections, at least; the last is the image itself."""
ROWS = 1024
"""Images of a block of pairs."""
COLUMNS = 4096
"""Values of each image that enter a product at a time."""
ROUNDING = 1e-4
"""A bound, with much to spare, on the error of a squared distance from products, as a share of both squared norms."""
GAIN = 16
"""How many times as fast a pair is measured in a matrix product as on its own."""


@dataclass(frozen=True, eq=False)
class ProjectedImages:
    """Images with their projections; the finer ones are computed only for some images at a time, and not kept."""

    images_NCHW: Tensor

    def __len__(self) -> int:
        return len(self.images_NCHW)

    @property
    def values(self) -> Tensor:
        """All values of each image, (N, F) uint8; a view."""
        return self.images_NCHW.flatten(1)

    @property
    @memo
    def coarse(self) -> Tensor:
        """The coarsest projection of all images; (N, F)."""
        everything_N = torch.arange(len(self), device=self.images_NCHW.device)
        return self.project(everything_N, COARSE)

    def block(self, per_side: int) -> int:
        """The side of a block, in pixels, for at least `per_side` blocks along each side of an image."""
        return max(1, min(self.images_NCHW.shape[2:]) // per_side)

    def project(self, rows_A: Tensor, per_side: int) -> Tensor:
        """Some images in blocks; (A, F) float32, or uint8 where a block is one pixel."""
        side = self.block(per_side)
        if side == 1:
            return self.values[rows_A]
        parts = [rows_A[part] for part in blocks(self.values[:1].expand(len(rows_A), -1))]
        return torch.cat([avg_pool2d(self.images_NCHW[rows].float(), side).flatten(1) * side for rows in parts])


class Nearest(NamedTuple):
    """Images that have a near one in another set, the nearest first."""

    rows_K: Tensor
    others_K: Tensor
    """The nearest image in the other set."""


def have_near(images_NCHW: Tensor, limit: float, progress: Progress = silent) -> Tensor:
    """Whether each image has another at a squared distance below `limit`, summed over all values; (N,) bool."""
    images = ProjectedImages(images_NCHW)
    near_N = torch.zeros(len(images), dtype=torch.bool, device=images_NCHW.device)
    pairs = list(_neighbouring(images.coarse, limit))
    for done, (a_A, b_B) in enumerate(pairs, 1):

        def wanted(bounds_AB: Tensor, a_A: Tensor = a_A, b_B: Tensor = b_B) -> Tensor:
            return (bounds_AB < limit) & ~(near_N[a_A][:, None] & near_N[b_B])

        def found(a_M: Tensor, b_M: Tensor, squared_M: Tensor) -> None:
            near_N[a_M[squared_M < limit]] = True
            near_N[b_M[squared_M < limit]] = True

        if not bool(near_N[a_A].all() & near_N[b_B].all()):
            _measure_wanted(images, a_A, images, b_B, wanted, found)
        progress("looking for near-duplicates", done, len(pairs))
    return near_N


def nearest_pairs(x_NCHW: Tensor, y_NCHW: Tensor, count: int, progress: Progress = silent) -> Nearest:
    """The `count` images x that are nearest to an image y, each with its nearest y."""
    x, y, count = ProjectedImages(x_NCHW), ProjectedImages(y_NCHW), min(count, len(x_NCHW))
    best_N = torch.full((len(x),), torch.inf, dtype=torch.float64, device=x_NCHW.device)
    others_N = torch.zeros(len(x), dtype=torch.int64, device=x_NCHW.device)
    pairs = [(a_A, b_B) for a_A in _parts(x) for b_B in _parts(y)]
    guesses = [True, False]  # a first guess for all images rules out most pairs of the second walk
    for walk, only_guess in enumerate(guesses):
        for done, (a_A, b_B) in enumerate(pairs, 1 + walk * len(pairs)):

            def wanted(bounds_AB: Tensor, a_A: Tensor = a_A) -> Tensor:
                return bounds_AB < best_N[a_A].clamp(max=float(best_N.kthvalue(count).values))[:, None]

            def found(a_M: Tensor, b_M: Tensor, squared_M: Tensor) -> None:
                best_N.scatter_reduce_(0, a_M, squared_M, "amin")
                is_best_M = squared_M == best_N[a_M]
                others_N[a_M[is_best_M]] = b_M[is_best_M]

            _measure_wanted(x, a_A, y, b_B, wanted, found, once=only_guess)
            progress("looking for copies of training images", done, len(guesses) * len(pairs))
    rows_K = best_N.topk(count, largest=False).indices
    return Nearest(rows_K, others_N[rows_K])


def _parts(images: ProjectedImages) -> list[Tensor]:
    return list(torch.arange(len(images), device=images.images_NCHW.device).split(ROWS))


def _neighbouring(coarse: Tensor, limit: float) -> Iterator[tuple[Tensor, Tensor]]:
    """Pairs of blocks of images that may be near, by their brightness; each block with itself first."""
    brightness_N = coarse.sum(1, dtype=torch.float64) / coarse.shape[1] ** 0.5  # one more orthogonal projection
    parts = brightness_N.argsort().split(ROWS)
    yield from zip(parts, parts, strict=True)
    for i, a_A in enumerate(parts):
        for b_B in parts[i + 1 :]:
            gap = float(brightness_N[b_B[0]] - brightness_N[a_A[-1]])
            if gap**2 >= limit * (1 + ROUNDING):
                break
            yield a_A, b_B


Wanted = Callable[[Tensor], Tensor]
"""Lower bounds of squared distances (A, B) → which pairs still have to be measured."""
Found = Callable[[Tensor, Tensor, Tensor], None]
"""Takes images of both sides, and their squared distances; (M,) each."""


def _measure_wanted(
    x: ProjectedImages, a_A: Tensor, y: ProjectedImages, b_B: Tensor, wanted: Wanted, found: Found, once: bool = False
) -> None:
    """Measure pairs of two blocks, the most promising first, until none is wanted; or `once`, one for each image."""
    bounds_AB = _first_bounds(x, a_A, y, b_B)
    finer = [level for level in (FINE, WHOLE) if x.block(level) < x.block(COARSE)][: 1 if x.block(FINE) == 1 else 2]
    while (wanted_AB := wanted(bounds_AB)).any():
        rows_M, columns_M = _promising(bounds_AB.where(wanted_AB, torch.inf))
        found(a_A[rows_M], b_B[columns_M], _measure(x, a_A[rows_M], y, b_B[columns_M]))
        bounds_AB[rows_M, columns_M] = torch.inf
        if once:
            return
        if finer and _is_worth_sharpening(wanted(bounds_AB), finer[0]):
            _sharpen(bounds_AB, wanted(bounds_AB), x, a_A, y, b_B, finer.pop(0))


def _first_bounds(x: ProjectedImages, a_A: Tensor, y: ProjectedImages, b_B: Tensor) -> Tensor:
    """Bounds from the coarsest projections; within one block, each pair has one, and the rest is infinite."""
    bounds_AB = _bounds(x.coarse[a_A], y.coarse[b_B])
    if a_A is b_B:
        bounds_AB[torch.ones_like(bounds_AB, dtype=torch.bool).tril()] = torch.inf
    return bounds_AB


def _promising(bounds_AB: Tensor) -> tuple[Tensor, Tensor]:
    """The pair with the lowest finite bound of each row and of each column."""
    chosen_AB = torch.zeros_like(bounds_AB, dtype=torch.bool)
    for dim in (0, 1):
        lowest = bounds_AB.min(dim, keepdim=True)
        chosen_AB.scatter_(dim, lowest.indices, lowest.values.isfinite() | chosen_AB.gather(dim, lowest.indices))
    rows_M, columns_M = chosen_AB.nonzero().T
    return rows_M, columns_M


def _is_worth_sharpening(wanted_AB: Tensor, level: int) -> bool:
    """Whether better bounds cost less than measuring the wanted pairs."""
    pairs, rows, columns = (int(count.sum()) for count in (wanted_AB, wanted_AB.any(1), wanted_AB.any(0)))
    return pairs > rows + columns and (level == FINE or pairs * GAIN > rows * columns)


def _sharpen(
    bounds_AB: Tensor, wanted_AB: Tensor, x: ProjectedImages, a_A: Tensor, y: ProjectedImages, b_B: Tensor, level: int
) -> None:
    """Raise the bounds of images that are wanted, in place."""
    rows, columns = wanted_AB.any(1).nonzero()[:, 0], wanted_AB.any(0).nonzero()[:, 0]
    sharper = _bounds(x.project(a_A[rows], level), y.project(b_B[columns], level))
    where = rows[:, None], columns
    bounds_AB[where] = torch.maximum(bounds_AB[where], sharper)


def _bounds(x_AF: Tensor, y_BF: Tensor) -> Tensor:
    """Squared distances of all pairs of rows from products, lowered by more than rounding can have raised them."""
    kind = working_type(x_AF)
    products_AB = torch.zeros(len(x_AF), len(y_BF), dtype=kind, device=x_AF.device)
    norms_AB = torch.zeros_like(products_AB)
    for first in range(0, x_AF.shape[1], COLUMNS):
        x, y = (side[:, first : first + COLUMNS].to(kind) for side in (x_AF, y_BF))
        centre = x.mean(0)
        x, y = x - centre, y - centre
        products_AB.addmm_(x, y.T)
        norms_AB += x.square().sum(1)[:, None] + y.square().sum(1)
    return (norms_AB * (1 - ROUNDING) - 2 * products_AB).clamp_(min=0)


def _measure(x: ProjectedImages, rows_M: Tensor, y: ProjectedImages, others_M: Tensor) -> Tensor:
    """The squared distances of pairs of images, exactly; (M,) float64."""
    squared_M = torch.empty(len(rows_M), dtype=torch.float64, device=rows_M.device)
    for part in blocks(x.values[:1].expand(len(rows_M), -1)):
        difference = x.values[rows_M[part]].float() - y.values[others_M[part]].float()
        squared_M[part] = difference.square_().sum(1, dtype=torch.float64)
    return squared_M
