"""On a linear-Gaussian model x = Wz + b + σε, whose log p(x) is known in closed form."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from torch import Tensor

from vaegan_bench.api import BenchError, Model, Posterior, ReconstructionLoss
from vaegan_bench.evaluation.outputs import ModelOutputs
from vaegan_bench.evaluation.references import References
from vaegan_bench.losses.reconstruction.bernoulli import Bernoulli
from vaegan_bench.losses.reconstruction.gaussian import Gaussian
from vaegan_bench.losses.reconstruction.gaussian_learned import GaussianLearned
from vaegan_bench.losses.reconstruction.gaussian_optimal import GaussianOptimal
from vaegan_bench.losses.reconstruction.gaussian_predicted import GaussianPredicted
from vaegan_bench.losses.reconstruction.laplace import Laplace
from vaegan_bench.metrics.latent.likelihood_bound import LikelihoodBound, bound, dequantise, draw, log_weights
from vaegan_bench.models.gan import GAN
from vaegan_bench.models.vae import VAE
from vaegan_bench.models.vaegan import VAEGAN
from vaegan_bench.models.vaegan_pixel import VAEGANPixel
from vaegan_bench.study.assembly import build_modules
from vaegan_bench.testing import blobs, small_run
from vaegan_bench.testing.worlds import Signs, StandInOutputs, data_of
from vaegan_bench.training.trained_model import TrainedModel

D, N, SIGMA = 8, 60, 0.15
SHAPE = (2, 2, 2)
"""Channels, height and width of images with D values."""
ORTHOGONAL = torch.linalg.qr(torch.randn(D, 3, generator=torch.Generator().manual_seed(4), dtype=torch.float64)).Q
WEIGHTS = ORTHOGONAL * torch.tensor([0.5, 0.3, 0.1]).double()
"""W, with orthogonal columns, so that the true posterior is diagonal."""
BIAS = torch.linspace(-0.3, 0.2, D).double()
VARIANCES = 1 / (1 + torch.tensor([0.25, 0.09, 0.01]).double() / SIGMA**2)
"""Of the true posterior, (I + WᵀW/σ²)⁻¹."""


def images(n: int = N) -> Tensor:
    noise = torch.Generator().manual_seed(1)
    codes, pixels = (torch.randn(n, k, generator=noise, dtype=torch.float64) for k in (3, D))
    x_ND = codes @ WEIGHTS.T + BIAS + SIGMA * pixels
    return ((x_ND + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).view(n, *SHAPE)


def true_posterior(x_NCHW: Tensor) -> Posterior:
    mu_NZ = (x_NCHW.double().flatten(1) - BIAS) @ WEIGHTS / SIGMA**2 * VARIANCES
    return Posterior(mu_NZ.float(), VARIANCES.log().float().expand_as(mu_NZ))


def density(x_NCHW: Tensor, z_NZ: Tensor) -> Tensor:
    """log p(x|z), by scipy."""
    residual = (x_NCHW.double().flatten(1) - z_NZ.double() @ WEIGHTS.T - BIAS).numpy()
    return torch.from_numpy(multivariate_normal(np.zeros(D), SIGMA**2 * np.eye(D)).logpdf(residual))


def evidence(x_NCHW: Tensor) -> np.ndarray:
    """log p(x) = log N(x | b, WWᵀ + σ²I)."""
    covariance = (WEIGHTS @ WEIGHTS.T).numpy() + SIGMA**2 * np.eye(D)
    found: np.ndarray = multivariate_normal(BIAS.numpy(), covariance).logpdf(x_NCHW.double().flatten(1).numpy())
    return found


def outputs(x8: Tensor, posterior: Posterior, **changes: Any) -> StandInOutputs:
    made = replace(Signs().outputs(), data=data_of(x8), real=x8, posterior=posterior, likelihood=density)
    return replace(made, **changes)


@pytest.mark.parametrize("codes", [1, 7])
def test_with_the_true_posterior_every_weight_is_the_evidence(codes: int) -> None:
    x = dequantise(images())
    weights = log_weights(outputs(images(), true_posterior(x)), x, codes)
    assert weights is not None
    assert weights.shape == (N, codes)
    assert weights.numpy() == pytest.approx(np.repeat(evidence(x)[:, None], codes, 1), abs=2e-3)


def test_with_another_posterior_the_bound_is_below_and_tightens_with_more_codes() -> None:
    x = dequantise(images(400))
    true = true_posterior(x)
    rough = Posterior(0.8 * true.mu_BZ, true.logvar_BZ + math.log(5))
    means = []
    for codes in (1, 3, 20, 1000):
        weights = log_weights(outputs(images(400), rough), x, codes)
        assert weights is not None
        means.append(float(bound(weights).mean()))
    assert means == sorted(means)
    log_p = float(evidence(x).mean())
    assert means[-1] == pytest.approx(log_p, abs=0.03)
    # K = 1 is the evidence lower bound: short of log p(x) by KL(q ‖ p(z|x)).
    shift = 0.5 * (0.04 * true.mu_BZ.double().square() / VARIANCES).sum(1) + 1.5 * (5 - 1 - math.log(5))
    assert means[0] == pytest.approx(log_p - float(shift.mean()), abs=0.6)


def test_an_image_with_more_codes_than_a_batch_is_decoded_in_parts_of_the_same_draw() -> None:
    x = dequantise(images(3))
    posterior, sizes = Posterior(*(1.1 * part for part in true_posterior(x))), []

    def counted(x_NCHW: Tensor, z_NZ: Tensor) -> Tensor:
        sizes.append(len(z_NZ))
        return density(x_NCHW, z_NZ)

    weights = log_weights(outputs(images(3), posterior, likelihood=counted), x, 600)
    assert weights is not None
    assert sizes == 3 * [256, 256, 88]
    noise = torch.Generator().manual_seed(2021)
    for i in range(3):
        z, against = draw(Posterior(*(part[i : i + 1] for part in posterior)), 600, noise)
        assert weights[i].tolist() == pytest.approx((density(x[[i] * 600], z) + against).tolist(), rel=1e-9)


def test_rows_bound_the_probability_of_8_bit_images() -> None:
    """The probability of a cell is the mean density within it times its size: the levels' width in each dimension."""
    x8 = images()
    made = outputs(x8, true_posterior(x8.float() / 127.5 - 1))
    nats, bits = LikelihoodBound(codes=200)(made)
    within = np.random.default_rng(0).uniform(-0.5, 0.5, (300, N, *SHAPE))
    cells = np.stack([evidence(torch.from_numpy((x8.numpy() + u) / 127.5 - 1)) for u in within])
    probability = np.log(np.exp(cells).mean(0)) + D * math.log(2 / 255)
    assert nats.value < probability.mean()
    assert nats.value == pytest.approx(probability.mean(), abs=0.05)
    assert bits.value == pytest.approx(-nats.value / D / math.log(2))
    each = bound(log_weights(made, dequantise(x8), 200)).numpy()  # type: ignore[arg-type]
    reach = 1.959964 * each.std(ddof=1) / N**0.5
    assert (nats.low, nats.high) == pytest.approx((nats.value - reach, nats.value + reach))
    assert (bits.low, bits.high) == pytest.approx(
        ((-nats.value - reach) / D / math.log(2), (reach - nats.value) / D / math.log(2))
    )
    assert (nats.floor, bits.floor) == (pytest.approx(-D * math.log(256)), 8.0)
    assert [(row.metric, row.direction, row.units) for row in (nats, bits)] == [
        ("likelihood-bound", "higher", "nats"),
        ("bits-per-dimension", "lower", "bits"),
    ]
    assert nats.protocol == {"n_real": N, "codes": 200, "dequantisation": "uniform", "seed": 2020}
    assert LikelihoodBound(images=9)(made)[0].protocol["n_real"] == 9


def test_dequantised_values_fill_their_level() -> None:
    levels = (dequantise(torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).repeat(50, 1, 1, 1)) + 1) * 127.5
    off = levels - torch.arange(256).view(16, 16)
    assert float(off.abs().max()) <= 0.5 + 1e-4
    assert float(off.mean()) == pytest.approx(0, abs=0.01)
    assert float(off.var()) == pytest.approx(1 / 12, rel=0.02)


def test_nothing_without_an_encoder_or_a_likelihood_and_broken_codes_are_named() -> None:
    x8 = images(4)
    posterior = true_posterior(x8.float() / 127.5 - 1)
    assert LikelihoodBound()(replace(outputs(x8, posterior), posterior=None)) == []
    assert LikelihoodBound()(outputs(x8, posterior, likelihood=None)) == []
    broken = Posterior(torch.full((4, 3), torch.inf), torch.zeros(4, 3))
    with pytest.raises(BenchError, match="Posteriors of held-out images are NaN or infinite"):
        LikelihoodBound()(outputs(x8, broken))
    with pytest.raises(ValueError, match="codes"):
        LikelihoodBound(codes=0)
    [alone, bits] = LikelihoodBound()(outputs(x8[:1], Posterior(*(part[:1] for part in posterior))))
    assert (alone.low, alone.high, bits.low, bits.high) == (None, None, None, None)


def made_by(model: Model, cache: Path) -> ModelOutputs:
    run = small_run(model)
    modules = build_modules(run.model, run.networks, 0, blobs().shape, torch.device("cpu"))
    trained = TrainedModel(run.model, modules, run.networks.latent)
    return ModelOutputs(trained, References(blobs(), cache, torch.device("cpu")), 20, 0)


LOSSES = [Gaussian(sigma=0.3), GaussianLearned(), GaussianPredicted(), Laplace(b=0.2)]


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_a_models_likelihood_is_that_of_its_decoder(loss: ReconstructionLoss, tmp_path: Path) -> None:
    made = made_by(VAE(reconstruction=loss), tmp_path)
    x, z = made.real[:5].float() / 127.5 - 1, made.codes(5)
    found = made.log_likelihood(x, z)
    assert found is not None
    [decoded] = made.model.modules.decode(z)
    scale = {"gaussian": torch.tensor(0.3).log(), "laplace": torch.tensor(0.2).log()}.get(loss.name, decoded.log_sigma)
    kind = torch.distributions.Laplace if loss.name == "laplace" else torch.distributions.Normal
    assert scale is not None
    expected = kind(decoded.mean, scale.exp().expand_as(x)).log_prob(x).sum((1, 2, 3))
    assert found.tolist() == pytest.approx(expected.tolist(), rel=1e-5)
    assert found.dtype == torch.float64
    assert [row.metric for row in LikelihoodBound(codes=3, images=5)(made)] == [
        "likelihood-bound",
        "bits-per-dimension",
    ]


def test_costs_that_are_no_densities_and_likelihoods_of_features_give_none(tmp_path: Path) -> None:
    without = [VAE(reconstruction=GaussianOptimal()), VAE(reconstruction=Bernoulli()), VAEGAN(), GAN()]
    for model in without:
        made = made_by(model, tmp_path)
        assert made.log_likelihood(made.real[:2].float(), made.codes(2)) is None
        assert LikelihoodBound(codes=2, images=2)(made) == []
    assert len(LikelihoodBound(codes=2, images=2)(made_by(VAEGANPixel(), tmp_path))) == 2


def test_a_conditional_model_is_given_the_attributes_of_each_image(tmp_path: Path) -> None:
    made = made_by(VAE(conditional=True), tmp_path)
    x = dequantise(made.real[:6])
    weights = log_weights(made, x, 3)
    assert weights is not None
    assert made.posterior is not None
    noise = torch.Generator().manual_seed(2021)
    mu, logvar = (part[:6].repeat_interleave(3, 0).double() for part in made.posterior)
    epsilon = torch.randn(mu.shape, generator=noise, dtype=torch.float64)
    z = mu + (0.5 * logvar).exp() * epsilon
    own = made.data.test.conditions[:6].repeat_interleave(3, 0)
    given = made.log_likelihood(x.repeat_interleave(3, 0), z.float(), own)
    normal = torch.distributions.Normal
    against = normal(0.0, 1.0).log_prob(z).sum(1) - normal(mu, (0.5 * logvar).exp()).log_prob(z).sum(1)
    assert given is not None
    assert weights.flatten().tolist() == pytest.approx((given + against).tolist(), rel=1e-6)
    other = made.log_likelihood(x.repeat_interleave(3, 0), z.float(), -own)
    assert other is not None
    assert float((given - other).abs().max()) > 1e-3
