"""What metrics compute fast is what their formulas say, in the files that state them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from vaegan_bench.metrics.features.pairs import around
from vaegan_bench.metrics.samples.frechet import distance_of_gaussians, frechet_distance, moments
from vaegan_bench.metrics.samples.kernel_sums import Subsets, kernel_distance
from vaegan_bench.metrics.samples.kid import squared_discrepancy
from vaegan_bench.metrics.samples.neighbourhoods import Neighbourhoods, neighbourhoods, side, squared_radii
from vaegan_bench.metrics.samples.precision_recall import formulas


def features(n: int, width: int, seed: int) -> Tensor:
    """Correlated and off-centre, float32 as extractors give them."""
    noise = torch.Generator().manual_seed(seed)
    mixing = torch.randn(width, width, generator=noise)
    return torch.randn(n, width, generator=noise) @ mixing + 3


def compare(real: Tensor, fake: Tensor) -> Neighbourhoods:
    centre = around(real)
    return neighbourhoods(*(side(x, squared_radii(x)) for x in (centre, around(fake, centre.centre_F))))


@pytest.mark.parametrize(("n_real", "n_fake"), [(60, 50), (60, 9), (9, 60), (9, 9)], ids=str)
def test_frechet_is_the_distance_of_gaussians(n_real: int, n_fake: int) -> None:
    """With more images than the 12 features, and with fewer."""
    real, fake = features(n_real, 12, 1), features(n_fake, 12, 2)
    means = [x.double().mean(0) for x in (real, fake)]
    covariances = [x.double().T.cov() for x in (real, fake)]
    expected = distance_of_gaussians(means[0], covariances[0], means[1], covariances[1])
    assert frechet_distance(moments(real), fake) == pytest.approx(float(expected), rel=1e-6)


@pytest.mark.parametrize("n", [8, 1300])
def test_the_kernel_distance_of_a_subset_is_its_squared_discrepancy(n: int) -> None:
    """Within one block of pairs, and over several."""
    real, fake = features(n, 12, 1), features(n, 12, 2)
    everything = torch.arange(n)[None]
    expected = squared_discrepancy(real, fake)
    assert kernel_distance(real, fake, Subsets(everything, everything)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("n_real", "n_fake"), [(30, 20), (1200, 1100)], ids=str)
def test_neighbourhoods_are_those_of_all_distances(n_real: int, n_fake: int) -> None:
    real, fake = features(n_real, 12, 1), features(n_fake, 12, 2)
    found = compare(real, fake)
    assert found == pytest.approx(formulas(real, fake))
    assert 0 < found.precision < 1
    assert 0 < found.recall < 1


def test_neighbourhoods_nearer_than_float32_can_tell_are_those_of_all_distances() -> None:
    """A third of either side lies within about 10⁻⁴ of its distance from the centre."""
    real, fake = features(600, 12, 1), features(500, 12, 2)
    for side_NF, spread in ((real, 1e-4), (fake, 1.3e-4)):
        side_NF[:200] = real[-1] + spread * side_NF[:200]
    assert compare(real, fake) == pytest.approx(formulas(real, fake))


def test_a_point_that_is_barely_outside_is_outside_however_far_from_the_centre() -> None:
    real, fake = features(400, 12, 1).double(), features(400, 12, 2).double()
    for side_NF in (real, fake):
        side_NF[:300] = real[-1] + 1e-6 * side_NF[:300]
    assert compare(real, fake) == pytest.approx(formulas(real, fake))
