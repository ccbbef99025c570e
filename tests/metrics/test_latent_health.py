from __future__ import annotations

import math
import statistics
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from vaegan_bench.api import BenchError, Outputs, Posterior
from vaegan_bench.metrics.latent.health import LatentHealth, active_units


def test_kl_is_torchs_and_dimensions_that_follow_the_image_are_active(signs: Outputs) -> None:
    noise = torch.Generator().manual_seed(0)
    mu = torch.randn(500, 6, generator=noise) * torch.tensor([1.0, 0.5, 0.2, 0.05, 0.0, 0.0])
    mu[:, 5] = 3.0  # far from the prior, but the same for every image
    logvar = torch.randn(500, 6, generator=noise)
    outputs = replace(signs, posterior=Posterior(mu, logvar))
    kl, active = LatentHealth()(outputs)
    expected = kl_divergence(Normal(mu, (0.5 * logvar).exp()), Normal(0.0, 1.0))
    reach = 1.96 * float(expected.sum(1).std()) / 500**0.5
    assert kl.value == pytest.approx(float(expected.sum(1).mean()), rel=1e-5)
    assert (kl.low, kl.high) == pytest.approx((kl.value - reach, kl.value + reach), rel=1e-4)
    assert (active.value, active.protocol["latent"]) == (3, 6)
    assert int(active_units(Posterior(mu, logvar))) == 3
    exhibit = LatentHealth().exhibits(outputs)["latent"].values_Z
    assert exhibit.dtype == np.float32
    assert exhibit == pytest.approx(expected.mean(0).numpy(), rel=1e-5)


def test_kl_of_unequal_rows_by_hand(signs: Outputs) -> None:
    posterior = Posterior(torch.tensor([[1.0, 0.0], [3.0, 0.0], [0.0, 2.0]]), torch.tensor([[0, 0.7], [0, 0], [0, 0]]))
    wide = (math.exp(0.7) - 1 - 0.7) / 2
    rows = [0.5 + wide, 4.5, 2.0]
    kl, active = LatentHealth()(replace(signs, posterior=posterior))
    mean, deviation = statistics.fmean(rows), statistics.stdev(rows)
    assert kl.value == pytest.approx(mean)
    reach = 1.959964 * deviation / 3**0.5
    assert (kl.low, kl.high) == pytest.approx((mean - reach, mean + reach))
    far = Posterior(torch.tensor([[0.0], [3.0]]), torch.zeros(2, 1))
    assert LatentHealth()(replace(signs, posterior=far))[0].low == 0
    assert (kl.protocol["n_real"], kl.protocol["latent"], active.value) == (3, 2, 2)
    exhibit = LatentHealth().exhibits(replace(signs, posterior=posterior))["latent"].values_Z
    assert exhibit == pytest.approx([(0.5 + 4.5) / 3, (wide + 2.0) / 3])


@pytest.mark.parametrize(("variance", "active"), [(0.0099, 0), (0.0101, 1)])
def test_a_dimension_is_active_above_a_hundredth_of_unbiased_variance(variance: float, active: int) -> None:
    mu = 7 + torch.tensor([-1.0, 1.0])[:, None] * (variance / 2) ** 0.5  # their unbiased variance
    assert int(active_units(Posterior(mu.double(), torch.full((2, 1), -9.0)))) == active


def test_no_encoder_gives_no_rows_and_broken_codes_are_named(signs: Outputs) -> None:
    assert LatentHealth()(signs) == []
    assert LatentHealth().exhibits(signs) == {}
    with pytest.raises(BenchError, match="NaN or infinite"):
        LatentHealth()(replace(signs, posterior=Posterior(torch.full((4, 2), torch.nan), torch.zeros(4, 2))))
    with pytest.raises(BenchError, match="at least two"):
        LatentHealth()(replace(signs, posterior=Posterior(torch.zeros(1, 2), torch.zeros(1, 2))))
