from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from vaegan_bench.api import BenchError, Features, Posterior
from vaegan_bench.metrics.samplers.gaussian import FittedGaussian, aggregate
from vaegan_bench.metrics.samples.fitted_frechet import FittedFrechet
from vaegan_bench.testing.worlds import Signs, StandInNetwork, StandInOutputs

N = 4000
MIX = torch.tensor([[2.0, 0.0, 0.0], [-1.0, 0.5, 0.0], [0.3, 0.0, 1.5]])
"""The covariance of the posterior means is MIX·MIXᵀ."""
CENTRE = torch.tensor([3.0, -1.0, 0.0])
VARIANCES = torch.tensor([0.5, 2.0, 0.01])


def normal(n: int, z: int, seed: int) -> Tensor:
    return torch.randn(n, z, generator=torch.Generator().manual_seed(seed))


def posterior(n: int = N) -> Posterior:
    """Posteriors whose variance differs between images, too."""
    uneven = torch.where(torch.arange(n) % 2 == 0, 0.5, 1.5)[:, None] * VARIANCES
    return Posterior(CENTRE + normal(n, 3, 0) @ MIX.T, uneven.log())


def outputs(real_NF: Tensor, **changes: Any) -> StandInOutputs:
    """A model whose decoder gives back the code, so that codes are features."""
    network = StandInNetwork(lambda x: x.flatten(1), lambda x: x.flatten(1), name=changes.pop("network", "stand-in"))
    images = torch.zeros(N, 1, 1, 3)
    made = replace(
        Signs().outputs(), samples=images, real=real_NF, opened=network, decoder=lambda z: z[:, None, None, :],
        given={"real": Features(real_NF, real_NF)}, train_posterior=posterior(),
    )  # fmt: skip
    return replace(made, **changes)


def test_codes_have_the_moments_of_the_aggregate_posterior() -> None:
    """Those of 400,000 codes: a posterior is drawn by its image, then a code from it."""
    given = posterior()
    noise = np.random.default_rng(1)
    which = noise.integers(0, N, 400_000)
    sampled = given.mu_BZ.numpy()[which] + np.exp(given.logvar_BZ.numpy()[which] / 2) * noise.normal(size=(400_000, 3))
    mean, covariance = aggregate(given)
    assert mean.numpy() == pytest.approx(sampled.mean(0), abs=0.02)
    assert covariance.numpy() == pytest.approx(np.cov(sampled, rowvar=False), abs=0.05)
    codes = FittedGaussian()(given, 100_000, torch.Generator().manual_seed(3)).double()
    assert codes.mean(0).numpy() == pytest.approx(mean.numpy(), abs=0.03)
    assert codes.T.cov().numpy() == pytest.approx(covariance.numpy(), abs=0.08)


def test_a_decoder_that_keeps_the_codes_is_perfect_however_far_its_prior_is() -> None:
    real = CENTRE + normal(N, 3, 5) @ torch.linalg.cholesky(MIX @ MIX.T + VARIANCES.diag()).T
    [row] = FittedFrechet()(outputs(real))
    assert row.value < 0.02
    assert (row.metric, row.direction) == ("fitted-frechet[stand-in]", "lower")
    assert row.protocol.items() >= {"n_real": N, "n_fake": N, "n_train": N, "seed": 2020}.items()


def test_what_remains_is_the_decoders_as_the_closed_form_says() -> None:
    """A decoder that shrinks codes by a half: √(Σ · Σ/4) = Σ/2."""
    covariance = MIX @ MIX.T + VARIANCES.diag()
    real = normal(N, 3, 5) @ torch.linalg.cholesky(covariance).T
    [row] = FittedFrechet()(outputs(real, decoder=lambda z: 0.5 * z[:, None, None, :]))
    expected = float((0.5 * CENTRE).square().sum() + 0.25 * covariance.trace())
    assert row.value == pytest.approx(expected, rel=0.05)


def test_it_is_named_on_inception_and_nothing_without_an_encoder_or_with_broken_codes() -> None:
    real = normal(N, 3, 5)
    assert FittedFrechet()(outputs(real, network="inception"))[0].metric == "fitted-fid"
    assert FittedFrechet()(outputs(real, train_posterior=None)) == []
    broken = Posterior(torch.full((4, 3), torch.nan), torch.zeros(4, 3))
    with pytest.raises(BenchError, match="Posteriors of training images are NaN or infinite"):
        FittedFrechet()(outputs(real, train_posterior=broken))
    alone = Posterior(torch.ones(1, 3), torch.zeros(1, 3))
    assert aggregate(alone)[1].tolist() == torch.eye(3).tolist()
