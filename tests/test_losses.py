"""Losses: known answers, exact gradients, and sides that pull against each other."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.distributions import Bernoulli as BernoulliDistribution
from torch.distributions import Laplace as LaplaceDistribution
from torch.distributions import Normal, kl_divergence

from vaegan_bench.api import AdversarialLoss, Posterior, Prediction, ReconstructionLoss, Regulariser
from vaegan_bench.losses.adversarial.hinge import Hinge
from vaegan_bench.losses.adversarial.lsgan import LSGAN
from vaegan_bench.losses.adversarial.minimax import Minimax
from vaegan_bench.losses.adversarial.nonsaturating import NonSaturating
from vaegan_bench.losses.adversarial.wgan import Wasserstein
from vaegan_bench.losses.prior.kl import KL
from vaegan_bench.losses.reconstruction.bernoulli import Bernoulli
from vaegan_bench.losses.reconstruction.gaussian import Gaussian
from vaegan_bench.losses.reconstruction.gaussian_learned import GaussianLearned
from vaegan_bench.losses.reconstruction.gaussian_optimal import GaussianOptimal
from vaegan_bench.losses.reconstruction.gaussian_predicted import GaussianPredicted
from vaegan_bench.losses.reconstruction.laplace import Laplace
from vaegan_bench.losses.regulariser.gradient_penalty import GradientPenalty
from vaegan_bench.losses.regulariser.r1 import R1

NOISE = torch.Generator().manual_seed(7)
RAW = torch.randn(5, 3, 4, 4, generator=NOISE, dtype=torch.float64)
TARGET = torch.rand(5, 3, 4, 4, generator=NOISE, dtype=torch.float64) * 2 - 1
LOG_SIGMA = torch.randn(5, 3, 4, 4, generator=NOISE, dtype=torch.float64) * 0.3
SCALAR = torch.tensor(-0.4, dtype=torch.float64)


def prediction(raw: Tensor = RAW, log_sigma: Tensor | None = None) -> Prediction:
    return Prediction(raw.tanh(), log_sigma, raw)


LIKELIHOODS: list[tuple[ReconstructionLoss, Tensor | None, Callable[[Tensor], Tensor]]] = [
    (Gaussian(sigma=0.5), None, lambda mean: Normal(mean, 0.5).log_prob(TARGET)),
    (GaussianLearned(), SCALAR, lambda mean: Normal(mean, SCALAR.exp()).log_prob(TARGET)),
    (
        GaussianOptimal(),
        None,
        lambda mean: Normal(mean, (TARGET - mean).square().mean().sqrt()).log_prob(TARGET),
    ),
    (GaussianPredicted(), LOG_SIGMA, lambda mean: Normal(mean, LOG_SIGMA.exp()).log_prob(TARGET)),
    (Laplace(b=0.7), None, lambda mean: LaplaceDistribution(mean, 0.7).log_prob(TARGET)),
    (
        Bernoulli(),
        None,
        lambda mean: BernoulliDistribution((mean + 1) / 2, validate_args=False).log_prob((TARGET + 1) / 2),
    ),
]


@pytest.mark.parametrize(("loss", "log_sigma", "log_prob"), LIKELIHOODS, ids=lambda v: getattr(v, "name", ""))
def test_reconstruction_is_the_negative_log_likelihood_summed_per_example(
    loss: ReconstructionLoss, log_sigma: Tensor | None, log_prob: Callable[[Tensor], Tensor]
) -> None:
    expected = -log_prob(RAW.tanh()).flatten(1).sum(1)
    torch.testing.assert_close(loss(prediction(log_sigma=log_sigma), TARGET), expected)


@pytest.mark.parametrize(("loss", "log_sigma", "_"), LIKELIHOODS, ids=lambda v: getattr(v, "name", ""))
def test_reconstruction_gradients_agree_with_finite_differences(
    loss: ReconstructionLoss, log_sigma: Tensor | None, _: object
) -> None:
    raw = RAW[:2, :1].clone().requires_grad_()
    part = log_sigma if log_sigma is None or log_sigma.ndim == 0 else log_sigma[:2, :1]
    assert torch.autograd.gradcheck(lambda r: loss(prediction(r, part), TARGET[:2, :1]), raw)


def test_the_optimal_sigma_does_not_mind_the_scale_and_ends_at_a_floor() -> None:
    mean = RAW.tanh().requires_grad_()
    values, gradients = [], []
    for c in (1.0, 50.0):
        loss = GaussianOptimal()(Prediction(c * mean), c * TARGET).mean()
        values.append(loss.item())
        gradients.append(torch.autograd.grad(loss, mean)[0])
    n = TARGET[0].numel()
    assert values[1] - values[0] == pytest.approx(n * math.log(50))
    torch.testing.assert_close(gradients[1], gradients[0])
    exact = GaussianOptimal()(Prediction(TARGET), TARGET)
    assert exact.tolist() == pytest.approx([n * (-5 + 0.5 * math.log(2 * math.pi))] * len(TARGET))


def test_kl_agrees_with_torch_and_is_zero_at_the_prior() -> None:
    mu, logvar = torch.randn(2, 5, 6, generator=NOISE)
    prior = Normal(torch.zeros(5, 6), torch.ones(5, 6))
    expected = kl_divergence(Normal(mu, (0.5 * logvar).exp()), prior).sum(1)
    torch.testing.assert_close(KL()(Posterior(mu, logvar)), expected)
    assert KL()(Posterior(torch.zeros(3, 6), torch.zeros(3, 6))).tolist() == [0.0, 0.0, 0.0]


def test_free_bits_stop_the_gradient_of_dimensions_below_the_bound() -> None:
    mu = torch.tensor([[0.1, 2.0], [0.1, 2.0]], requires_grad=True)
    kl = KL(free_bits=0.5)(Posterior(mu, torch.zeros(2, 2)))
    assert kl.tolist() == pytest.approx([2.5, 2.5])  # 0.5 granted, ½·2² paid
    (gradient,) = torch.autograd.grad(kl.sum(), mu)
    assert gradient.tolist() == [[0.0, 2.0], [0.0, 2.0]]


ADVERSARIAL = [Minimax(), Minimax(epsilon=1e-3), NonSaturating(), Hinge(), LSGAN(), Wasserstein()]


@pytest.mark.parametrize("loss", ADVERSARIAL, ids=str)
def test_the_two_sides_pull_the_fake_logit_against_each_other(loss: AdversarialLoss) -> None:
    fake = torch.tensor([-0.5, 0.2], dtype=torch.float64).requires_grad_()
    real = torch.tensor([0.4, -0.1], dtype=torch.float64).requires_grad_()
    versus = loss(real, [fake])
    up, down = (torch.autograd.grad(side.sum(), fake, retain_graph=True)[0] for side in versus)
    if isinstance(loss, LSGAN):  # its discriminator aims at 0, so it pulls up what lies below
        up = torch.autograd.grad(loss(real, [fake + 1]).discriminator_B.sum(), fake)[0]
    assert (up > 0).all()
    assert (down < 0).all()
    (towards_real,) = torch.autograd.grad(versus.discriminator_B.sum(), real)
    assert (towards_real < 0).all()


@pytest.mark.parametrize("loss", ADVERSARIAL, ids=str)
def test_adversarial_gradients_agree_with_finite_differences(loss: AdversarialLoss) -> None:
    logits = torch.randn(3, 4, generator=NOISE, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda all_: loss(all_[0], [all_[1], all_[2]]), logits)


def test_minimax_is_zero_sum_and_known_at_a_guess() -> None:
    zeros = torch.zeros(4)
    versus = Minimax()(zeros, [zeros, zeros])
    assert versus.discriminator_B.tolist() == pytest.approx([3 * math.log(2)] * 4)
    assert torch.equal(versus.discriminator_B, -versus.generator_B)


def test_shares_of_real_and_fake_are_the_discriminator_s_alone() -> None:
    real, fakes = torch.tensor([0.3, -1.2]), [torch.tensor([0.1, 2.0]), torch.tensor([-0.7, 0.4])]
    versus, plain = Minimax(real_weight=0.66)(real, fakes), Minimax()(real, fakes)
    cost_of_fakes = sum(-torch.log(1 - torch.sigmoid(fake)) for fake in fakes)
    expected = -0.66 * torch.log(torch.sigmoid(real)) + 0.34 * cost_of_fakes / 2
    torch.testing.assert_close(versus.discriminator_B, expected)
    assert torch.equal(versus.generator_B, plain.generator_B)


def test_minimax_stays_finite_for_any_logit() -> None:
    versus = Minimax()(torch.tensor([-1e4]), [torch.tensor([1e4])])
    assert versus.discriminator_B.item() == pytest.approx(2e4)


def test_the_code_of_the_authors_bounds_the_cost_with_epsilon() -> None:
    versus = Minimax(epsilon=1e-3)(torch.tensor([-100.0]), [torch.tensor([100.0])])
    assert versus.discriminator_B.item() == pytest.approx(-2 * math.log(1e-3), rel=1e-5)


def plane(slope: Tensor) -> Callable[[Tensor], Tensor]:
    """A critic whose gradient is `slope` everywhere."""
    return lambda x: (x * slope).flatten(1).sum(1)


@pytest.mark.parametrize(
    ("penalty", "expected"),
    [(GradientPenalty(weight=10.0), 10 * (3 - 1) ** 2), (R1(weight=10.0), 0.5 * 10 * 3**2)],
    ids=lambda v: getattr(v, "name", ""),
)
def test_penalties_of_a_plane_are_known_and_reach_the_critic(penalty: Regulariser, expected: float) -> None:
    slope = torch.zeros(1, 2, 2)
    slope[0, 0, 0] = 3.0
    slope.requires_grad_()
    real, fake = torch.randn(2, 4, 1, 2, 2, generator=NOISE)
    value = penalty(plane(slope), real, fake, torch.Generator().manual_seed(0))
    assert value.tolist() == pytest.approx([expected] * 4, rel=1e-5)
    (gradient,) = torch.autograd.grad(value.mean(), slope)  # second order: the penalty pulls on the slope itself
    assert gradient[0, 0, 0] > 0


@pytest.mark.parametrize("loss", [Gaussian, Laplace])
def test_a_scale_that_is_not_positive_is_refused(loss: type[ReconstructionLoss]) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        loss(**{"sigma" if loss is Gaussian else "b": 0.0})
