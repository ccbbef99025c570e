"""The nearest neighbours of points: found in the type of the products, and measured in float64."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from vaegan_bench.metrics.features.pairs import Points, blocks, pairs_between, pairs_within, squared_distances

SPARE = 1
"""How many more neighbours are measured again in float64 than are wanted: float32 may swap two.

Of ordinary features, the last is nearer than rounding allows in a hundredth of rows, and these are searched again.
"""
MET = 8
"""About how many neighbours a point is compared with at a time when distances are measured exactly."""


class Neighbours(NamedTuple):
    """The K nearest that were found so far; changed in place."""

    squared_NK: Tensor
    """Squared distances, float64; infinite where too few pairs were seen."""
    rows_NK: Tensor
    """The row numbers of the neighbours."""


def nearest_others(x: Points, count: int) -> Neighbours:
    """The nearest other points of each, by exact distance."""
    found = no_neighbours(x, count)
    for a, b, products_AB in pairs_within(x):
        see_within(found, x, a, b, products_AB)
    return measure_exactly(found, x, x)


def nearest_among(x: Points, y: Points, count: int, but_N: Tensor | None = None) -> Neighbours:
    """The nearest y of each x, by exact distance; both around one centre. `but_N` is the row of one y to leave out."""
    found = no_neighbours(x, count)
    for a, b, products_AB in pairs_between(x, y):
        squared_AB = squared_distances(products_AB, x.norms[a], y.norms[b])
        if but_N is not None:
            squared_AB[but_N[a, None] == torch.arange(b.start, b.stop, device=but_N.device)] = torch.inf
        _merge(found, a, b.start, squared_AB)
    return measure_exactly(found, x, y)


def no_neighbours(x: Points, count: int) -> Neighbours:
    """Neighbours before any pair was seen."""
    infinite_NK = x.norms.new_full((len(x), count + SPARE), torch.inf)
    return Neighbours(infinite_NK, torch.zeros_like(infinite_NK, dtype=torch.int64))


def see_within(found: Neighbours, x: Points, a: slice, b: slice, products_AB: Tensor) -> None:
    """Take one block of pairs into account, for the points of both its sides."""
    squared_AB = squared_distances(products_AB, x.norms[a], x.norms[b])
    if a == b:
        squared_AB.fill_diagonal_(torch.inf)
    else:
        _merge(found, b, a.start, squared_AB.T)
    _merge(found, a, b.start, squared_AB)


def measure_exactly(found: Neighbours, x: Points, y: Points) -> Neighbours:
    """The wanted number of neighbours, by their distances in float64, in ascending order; only others where y is x.

    They are among those found, or, where rounding may have hidden a nearer one from these, among all y once more.
    """
    nearest, finer = _measure(found, x, y), replace(y, in_float64=True)
    count = nearest.rows_NK.shape[1]
    doubtful_D = _doubtful(found, nearest, x)
    for part in blocks(doubtful_D[:, None].expand(-1, x.width)):
        rows_A = doubtful_D[part]
        again = Points(x.features_NF[rows_A], x.centre_F, in_float64=True)
        own_A = rows_A if x is y else None
        nearest.squared_NK[rows_A], nearest.rows_NK[rows_A] = nearest_among(again, finer, count, own_A)
    return nearest


def _doubtful(found: Neighbours, nearest: Neighbours, x: Points) -> Tensor:
    """The rows of points of which float32 may have missed a neighbour: their candidates reach hardly any farther."""
    squared_N = nearest.squared_NK[:, -1]
    close_N = found.squared_NK[:, -1] - squared_N < x.rounding(squared_N)
    return (close_N & (x.working_type == torch.float32)).nonzero()[:, 0]


def _measure(found: Neighbours, x: Points, y: Points) -> Neighbours:
    """The nearest of those found, by their exact distances."""
    exact_NK = torch.empty_like(found.squared_NK)
    for rows in blocks(x.features_NF, thinner=MET):
        exact_NK[rows] = _exact(x, y, rows, found)
    squared_NK, order_NK = exact_NK.sort(1)
    return Neighbours(squared_NK[:, :-SPARE], found.rows_NK.gather(1, order_NK)[:, :-SPARE])


def _merge(found: Neighbours, rows: slice, first: int, squared_AB: Tensor) -> None:
    """Keep the nearest of the known neighbours of `rows` and of new ones, which are numbered from `first` on."""
    count = found.squared_NK.shape[1]
    new = squared_AB.contiguous().topk(min(count, squared_AB.shape[1]), largest=False)
    squared_AK = torch.cat([found.squared_NK[rows], new.values.to(found.squared_NK)], dim=1)
    rows_AK = torch.cat([found.rows_NK[rows], new.indices + first], dim=1)
    found.squared_NK[rows], order_AK = squared_AK.topk(count, largest=False)
    found.rows_NK[rows] = rows_AK.gather(1, order_AK)


def _exact(x: Points, y: Points, rows: slice, found: Neighbours) -> Tensor:
    """Squared distances to those found, in float64; (A, K)."""
    others_AKF = y.features_NF[found.rows_NK[rows]].double()
    squared_AK = (others_AKF - x.features_NF[rows, None].double()).square().sum(2)
    return squared_AK.where(found.squared_NK[rows].isfinite(), torch.inf)
