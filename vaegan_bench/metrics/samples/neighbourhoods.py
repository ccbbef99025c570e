"""Balls around images that reach to their k-th nearest neighbour, and which images lie in which balls."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from vaegan_bench.metrics.features.pairs import BLOCK, ROUNDING, Points, pairs_between, squared_distances
from vaegan_bench.metrics.samples.neighbours import nearest_others

K_PRECISION = 3
"""Neighbours of precision and recall, as Kynkäänniemi et al. (2019) chose."""
K_DENSITY = 5
"""Neighbours of density and coverage, as Naeem et al. (2020) chose."""


class Edges(NamedTuple):
    """Squared radii: a squared distance up to `at` is inside."""

    low_N: Tensor
    """Up to here, a squared distance is inside whatever its rounding error."""
    at_N: Tensor
    high_N: Tensor
    """Above this, a squared distance is outside whatever its rounding error."""


class Side(NamedTuple):
    """One set of points, and the edges of the balls around them."""

    points: Points
    precision: Edges
    density: Edges


class Near(NamedTuple):
    """Pairs of images, one of which may be in the other's ball."""

    fake_P: Tensor
    real_P: Tensor
    squared_P: Tensor
    """Their squared distances."""


class Tally(NamedTuple):
    """Which of F samples and R real images were found inside balls so far; changed in place."""

    precise_F: Tensor
    recalled_R: Tensor
    held_F: Tensor
    """How many balls around real images hold each sample."""
    covered_R: Tensor


class Neighbourhoods(NamedTuple):
    """The four numbers that compare two sets of features."""

    precision: float
    """The share of samples inside of a ball around a real image."""
    recall: float
    """The share of real images inside of a ball around a sample."""
    density: float
    """The balls around real images that hold a sample, averaged over samples, by k."""
    coverage: float
    """The share of real images whose ball holds a sample."""


def squared_radii(points: Points) -> Tensor:
    """Squared distances from each of at least six points to its five nearest others, ascending; (N, 5) float64."""
    return nearest_others(points, K_DENSITY).squared_NK


def side(points: Points, squared_NK: Tensor) -> Side:
    """The points with edges from their `squared_radii`; a point on an edge is inside."""
    return Side(points, *(_edges(points, squared_NK[:, k - 1]) for k in (K_PRECISION, K_DENSITY)))


def neighbourhoods(real: Side, fake: Side) -> Neighbourhoods:
    """Precision, recall, density and coverage of samples, from points around one centre."""
    tally = empty_tally(real, fake)
    for a, b, products_AB in pairs_between(fake.points, real.points):
        see_inside(tally, real, fake, a, b, products_AB)
    return shares(tally)


def empty_tally(real: Side, fake: Side) -> Tally:
    """A tally before any pair was seen."""
    nobody_F, nobody_R = (torch.zeros_like(s.points.norms, dtype=torch.bool) for s in (fake, real))
    return Tally(nobody_F, nobody_R, torch.zeros_like(fake.points.norms), nobody_R.clone())


def see_inside(tally: Tally, real: Side, fake: Side, a: slice, b: slice, products_AB: Tensor) -> None:
    """Take one block of samples a and real images b into account."""
    squared_AB = squared_distances(products_AB, fake.points.norms[a], real.points.norms[b])
    near_AB = squared_AB <= real.density.high_N[b].to(squared_AB)
    near_AB |= squared_AB <= fake.precision.high_N[a, None].to(squared_AB)
    rows_P, columns_P = near_AB.nonzero(as_tuple=True)
    squared_P = squared_AB[rows_P, columns_P].double()
    _see_pairs(tally, real, fake, Near(rows_P + a.start, columns_P + b.start, squared_P))


def shares(tally: Tally) -> Neighbourhoods:
    """The four numbers, once all pairs were seen."""
    precision, recall, held, coverage = (float(column.double().mean()) for column in tally)
    return Neighbourhoods(precision, recall, held / K_DENSITY, coverage)


def _edges(points: Points, squared_N: Tensor) -> Edges:
    """Edges with room for rounding: little at them, since doubtful pairs are measured again, by their differences."""
    at_N, doubt_N = squared_N * (1 + ROUNDING[torch.float64]), points.rounding(squared_N)
    return Edges(at_N - doubt_N, at_N, at_N + doubt_N)


def _see_pairs(tally: Tally, real: Side, fake: Side, near: Near) -> None:
    sides = [(real.precision, near.real_P), (fake.precision, near.fake_P), (real.density, near.real_P)]
    edges = [Edges(*(edge_N[of_P] for edge_N in edges)) for edges, of_P in sides]
    doubtful_P = torch.stack([(near.squared_P > e.low_N) & (near.squared_P <= e.high_N) for e in edges]).any(0)
    near.squared_P[doubtful_P] = _exact_pairs(fake.points, real.points, near, doubtful_P)
    precise_P, recalled_P, held_P = (near.squared_P <= edge.at_N for edge in edges)
    tally.precise_F[near.fake_P[precise_P]] = True
    tally.recalled_R[near.real_P[recalled_P]] = True
    tally.held_F.index_add_(0, near.fake_P, held_P.to(tally.held_F))
    tally.covered_R[near.real_P[held_P]] = True


def _exact_pairs(fake: Points, real: Points, near: Near, doubtful_P: Tensor) -> Tensor:
    """Squared distances of the doubtful pairs, in float64."""
    fake_D, real_D = near.fake_P[doubtful_P], near.real_P[doubtful_P]
    squared_D = torch.empty_like(fake_D, dtype=torch.float64)
    for first in range(0, len(fake_D), BLOCK):
        i, j = (rows_D[first : first + BLOCK] for rows_D in (fake_D, real_D))
        difference_DF = fake.features_NF[i].double() - real.features_NF[j].double()
        squared_D[first : first + BLOCK] = difference_DF.square_().sum(1)
    return squared_D
