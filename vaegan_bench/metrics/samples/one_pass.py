"""The kernel distance and the neighbourhoods from one pass over all pairs, which costs little more than either."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor

from vaegan_bench.api import Extractor, Features, Outputs
from vaegan_bench.metrics.features.pairs import Points, around, pairs_between, pairs_within
from vaegan_bench.metrics.features.sets import check_reference
from vaegan_bench.metrics.samples.kernel_sums import (
    SEED,
    SUBSETS,
    draw_subsets,
    kernel,
    kernel_within,
    mean_distance,
    members,
    subset_size,
    sums_over,
)
from vaegan_bench.metrics.samples.neighbourhoods import (
    K_DENSITY,
    Neighbourhoods,
    Side,
    Tally,
    empty_tally,
    see_inside,
    shares,
    side,
)
from vaegan_bench.metrics.samples.neighbours import measure_exactly, no_neighbours, see_within
from vaegan_bench.system.memo import memo


class Alone(NamedTuple):
    """The kernel's sums and the radii of one set of images."""

    within_S: Tensor
    """The kernel's sum over the pairs in each subset."""
    radii_NK: Tensor
    """Squared distances to the nearest others."""


class Compared(NamedTuple):
    """Both comparisons of two sets of images."""

    kernel_distance: float
    neighbourhoods: Neighbourhoods


def serves_both(n_real: int, n_fake: int, size: int) -> bool:
    """Whether one pass is possible, and looks at no more pairs than the subsets alone."""
    return min(n_real, n_fake) > K_DENSITY and max(n_real, n_fake) ** 2 <= SUBSETS * size**2


def compare_once(outputs: Outputs, extractor: Extractor, real_NF: Tensor, fake_NF: Tensor) -> Compared:
    """Both comparisons of checked features, made for the first metric that asks and remembered for the second."""
    size = subset_size(len(real_NF), len(fake_NF))
    known = outputs.reference(extractor, real_alone, n_fake=len(fake_NF), size=size, subsets=SUBSETS, seed=SEED)
    return compare(fake_NF, real_NF, known["within"].to(fake_NF.device), known["radii"].to(fake_NF.device), size)


def real_alone(real: Features, n_fake: int, size: int, subsets: int, seed: int) -> Mapping[str, Tensor]:
    """The kernel's sums and the radii of the real images; raises `BenchError` as `check_reference` does."""
    real_NF = check_reference(real.features_NF, at_least=K_DENSITY + 1)
    rows_SK = draw_subsets(n_fake, len(real_NF), subsets, size, seed).real_SK
    found = alone(around(real_NF), members(rows_SK, real_NF))
    return {"within": found.within_S, "radii": found.radii_NK}


@memo
def compare(fake_NF: Tensor, real_NF: Tensor, within_S: Tensor, radii_NK: Tensor, size: int) -> Compared:
    """Both comparisons, remembered as long as the samples' features; the real images' own sums and radii are known."""
    drawn = draw_subsets(len(fake_NF), len(real_NF), SUBSETS, size, SEED)
    fake_SN, real_SN = members(drawn.fake_SK, fake_NF), members(drawn.real_SK, real_NF)
    real = around(real_NF)
    fake = around(fake_NF, real.centre_F)
    found = alone(fake, fake_SN)
    between_S, tally = together(side(real, radii_NK), side(fake, found.radii_NK), real_SN, fake_SN)
    return Compared(mean_distance(within_S + found.within_S, between_S, size), shares(tally))


def alone(x: Points, member_SN: Tensor) -> Alone:
    """The kernel's sums over pairs of one set, and its radii."""
    within_S, found = member_SN.new_zeros(len(member_SN)), no_neighbours(x, K_DENSITY)
    for a, b, products_AB in pairs_within(x):
        see_within(found, x, a, b, products_AB)
        within_S += sums_over(kernel_within(products_AB, x, a, b), member_SN[:, a], member_SN[:, b])
    return Alone(within_S, measure_exactly(found, x, x).squared_NK)


def together(real: Side, fake: Side, real_SN: Tensor, fake_SN: Tensor) -> tuple[Tensor, Tally]:
    """The kernel's sums over mixed pairs, and the tally of images inside balls."""
    between_S, tally = real_SN.new_zeros(len(real_SN)), empty_tally(real, fake)
    for a, b, products_AB in pairs_between(fake.points, real.points):
        see_inside(tally, real, fake, a, b, products_AB)
        kernel_AB = kernel(products_AB, fake.points, real.points, a, b)
        between_S += sums_over(kernel_AB, fake_SN[:, a], real_SN[:, b])
    return between_S, tally
