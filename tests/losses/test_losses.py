"""Losses: known answers, exact gradients, and sides that pull against each other."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.distributions import Bernoulli as BernoulliDistribution
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal, kl_divergence
from torch.distributions import Laplace as LaplaceDistribution

from vaegan_bench.api import (
    AdversarialLoss,
    JudgedImages,
    Plugin,
    Posterior,
    Prediction,
    PriorLoss,
    ReconstructionLoss,
    Regulariser,
)
from vaegan_bench.losses.adversarial.hinge import Hinge
from vaegan_bench.losses.adversarial.lsgan import LSGAN
from vaegan_bench.losses.adversarial.minimax import Minimax
from vaegan_bench.losses.adversarial.nonsaturating import NonSaturating
from vaegan_bench.losses.adversarial.relativistic import Relativistic
from vaegan_bench.losses.adversarial.wgan import Wasserstein
from vaegan_bench.losses.prior.kl import KL
from vaegan_bench.losses.prior.mmd import MaximumMeanDiscrepancy, discrepancy
from vaegan_bench.losses.prior.total_correlation import TotalCorrelation
from vaegan_bench.losses.reconstruction.bernoulli import Bernoulli
from vaegan_bench.losses.reconstruction.gaussian import Gaussian
from vaegan_bench.losses.reconstruction.gaussian_learned import GaussianLearned
from vaegan_bench.losses.reconstruction.gaussian_optimal import GaussianOptimal
from vaegan_bench.losses.reconstruction.gaussian_predicted import GaussianPredicted
from vaegan_bench.losses.reconstruction.laplace import Laplace
from vaegan_bench.losses.regulariser.gradient_penalty import GradientPenalty
from vaegan_bench.losses.regulariser.r1 import R1
from vaegan_bench.losses.regulariser.r1_r2 import R1R2
from vaegan_bench.registry.plugins import Registry

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


def prior_of(loss: PriorLoss, posterior: Posterior, z_BZ: Tensor | None = None, seed: int = 0) -> Tensor:
    return loss(posterior, posterior.mu_BZ if z_BZ is None else z_BZ, torch.Generator().manual_seed(seed))


def test_kl_agrees_with_torch_and_is_zero_at_the_prior() -> None:
    mu, logvar = torch.randn(2, 5, 6, generator=NOISE)
    prior = Normal(torch.zeros(5, 6), torch.ones(5, 6))
    expected = kl_divergence(Normal(mu, (0.5 * logvar).exp()), prior).sum(1)
    torch.testing.assert_close(prior_of(KL(), Posterior(mu, logvar)), expected)
    assert prior_of(KL(), Posterior(torch.zeros(3, 6), torch.zeros(3, 6))).tolist() == [0.0, 0.0, 0.0]


def test_free_bits_stop_the_gradient_of_dimensions_below_the_bound() -> None:
    mu = torch.tensor([[0.1, 2.0], [0.1, 2.0]], requires_grad=True)
    kl = prior_of(KL(free_bits=0.5), Posterior(mu, torch.zeros(2, 2)))
    assert kl.tolist() == pytest.approx([2.5, 2.5])  # 0.5 granted, ½·2² paid
    (gradient,) = torch.autograd.grad(kl.sum(), mu)
    assert gradient.tolist() == [[0.0, 2.0], [0.0, 2.0]]


def test_free_bits_bound_the_batch_mean_of_each_dimension_and_not_each_image() -> None:
    # ½μ² per image and dimension: means 0.4 (of 0 and 0.8), 0.7225 (of 1.125 and 0.32), 0.18.
    mu = torch.tensor([[0.0, 1.5, 0.6], [1.2649111, 0.8, 0.6]], requires_grad=True)
    posterior = Posterior(mu, torch.zeros(2, 3))
    kl = prior_of(KL(free_bits=0.5), posterior)
    assert kl.tolist() == pytest.approx([0.5 + 1.125 + 0.5, 0.5 + 0.32 + 0.5])
    (gradient,) = torch.autograd.grad(kl.sum(), mu)
    assert torch.equal(gradient, torch.tensor([[0.0, 1.5, 0.0], [0.0, 0.8, 0.0]]))
    assert prior_of(KL(free_bits=0.1), posterior).tolist() == pytest.approx(prior_of(KL(), posterior).tolist())


def test_kl_of_unequal_images_is_known() -> None:
    mu = torch.tensor([[1.0, -2.0], [0.0, 0.5]])
    logvar = torch.tensor([[0.0, math.log(4.0)], [math.log(0.25), 0.0]])
    # ½(μ² + σ² − 1) − log σ, one image a row
    expected = [0.5 + (0.5 * (4 + 4 - 1) - math.log(2)), (0.5 * (0.25 - 1) + math.log(2)) + 0.125]
    assert prior_of(KL(), Posterior(mu, logvar)).tolist() == pytest.approx(expected)


@pytest.mark.parametrize("loss", [Gaussian(sigma=0.5), Laplace(b=0.5), Bernoulli()], ids=str)
def test_what_one_image_costs_depends_on_no_other(loss: ReconstructionLoss) -> None:
    alone = [loss(prediction(RAW[i : i + 1]), TARGET[i : i + 1]).item() for i in range(len(RAW))]
    assert loss(prediction(), TARGET).tolist() == pytest.approx(alone)
    assert len({round(cost, 6) for cost in alone}) == len(alone)


def test_likelihoods_of_two_images_are_known() -> None:
    raw = torch.tensor([[[[0.0, 1.0]]], [[[-0.5, 0.2]]]], dtype=torch.float64)
    target = torch.tensor([[[[0.5, 1.0]]], [[[-1.0, 0.0]]]], dtype=torch.float64)
    gaps = [(0.5, 1 - math.tanh(1)), (1 - math.tanh(0.5), math.tanh(0.2))]
    constant = 2 * (math.log(2.0) + 0.5 * math.log(2 * math.pi))
    gaussian = [(a**2 + b**2) / 8 + constant for a, b in gaps]
    assert Gaussian(sigma=2.0)(prediction(raw), target).tolist() == pytest.approx(gaussian)
    laplace = [(a + b) / 2 + 2 * math.log(4) for a, b in gaps]
    assert Laplace(b=2.0)(prediction(raw), target).tolist() == pytest.approx(laplace)
    both = sum(a**2 + b**2 for a, b in gaps) / 4  # σ⋆² of the batch
    optimal = [(a**2 + b**2) / (2 * both) + math.log(both) + math.log(2 * math.pi) for a, b in gaps]
    assert GaussianOptimal()(prediction(raw), target).tolist() == pytest.approx(optimal)


ADVERSARIAL = [Minimax(), Minimax(epsilon=1e-3), NonSaturating(), Hinge(), LSGAN(), Wasserstein(), Relativistic()]


@pytest.mark.parametrize("loss", ADVERSARIAL, ids=str)
def test_the_two_sides_pull_the_fake_logit_against_each_other(loss: AdversarialLoss) -> None:
    fake = torch.tensor([-0.5, 0.2], dtype=torch.float64).requires_grad_()
    real = torch.tensor([0.4, -0.1], dtype=torch.float64).requires_grad_()
    versus = loss(real, [fake])
    up, down = (torch.autograd.grad(side.sum(), fake, retain_graph=True)[0] for side in versus)
    if isinstance(loss, LSGAN):  # its discriminator aims at 0, so it pulls up what lies below
        up = torch.autograd.grad(loss(real, [fake + 1]).discriminator_V.sum(), fake)[0]
    assert (up > 0).all()
    assert (down < 0).all()
    (towards_real,) = torch.autograd.grad(versus.discriminator_V.sum(), real)
    assert (towards_real < 0).all()


@pytest.mark.parametrize("loss", ADVERSARIAL, ids=str)
def test_adversarial_gradients_agree_with_finite_differences(loss: AdversarialLoss) -> None:
    logits = torch.randn(3, 4, generator=NOISE, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda all_: loss(all_[0], [all_[1], all_[2]]), logits)


def test_minimax_is_zero_sum_and_known_at_a_guess() -> None:
    zeros = torch.zeros(4)
    versus = Minimax()(zeros, [zeros, zeros])
    assert versus.discriminator_V.tolist() == pytest.approx([3 * math.log(2)] * 4)
    assert torch.equal(versus.discriminator_V, -versus.generator_V)


def test_shares_of_real_and_fake_are_the_discriminator_s_alone() -> None:
    real, fakes = torch.tensor([0.3, -1.2]), [torch.tensor([0.1, 2.0]), torch.tensor([-0.7, 0.4])]
    versus, plain = Minimax(real_weight=0.66)(real, fakes), Minimax()(real, fakes)
    cost_of_fakes = sum(-torch.log(1 - torch.sigmoid(fake)) for fake in fakes)
    expected = -0.66 * torch.log(torch.sigmoid(real)) + 0.34 * cost_of_fakes / 2
    torch.testing.assert_close(versus.discriminator_V, expected)
    assert torch.equal(versus.generator_V, plain.generator_V)


def test_minimax_stays_finite_for_any_logit() -> None:
    versus = Minimax()(torch.tensor([-1e4]), [torch.tensor([1e4])])
    assert versus.discriminator_V.item() == pytest.approx(2e4)


def test_the_code_of_the_authors_bounds_the_cost_with_epsilon() -> None:
    versus = Minimax(epsilon=1e-3)(torch.tensor([-100.0]), [torch.tensor([100.0])])
    assert versus.discriminator_V.item() == pytest.approx(-2 * math.log(1e-3), rel=1e-5)


def p(logit: float) -> float:
    """The probability of 'real' that a logit means."""
    return 1 / (1 + math.exp(-logit))


ONE = ([0.4, -1.5, 2.5], [[-0.7, 0.3, 1.6]])
TWO = ([0.4, -1.5, 2.5], [[-0.7, 0.3, 1.6], [1.2, -2.0, 0.1]])

# one image's cost for either side, from the logit of a real image and those of its fakes
STATED: list[tuple[AdversarialLoss, Callable[..., float], Callable[..., float]]] = [
    (
        Minimax(),
        lambda r, *fs: -math.log(p(r)) - sum(math.log(1 - p(f)) for f in fs),
        lambda r, *fs: math.log(p(r)) + sum(math.log(1 - p(f)) for f in fs),
    ),
    (
        Minimax(epsilon=0.1),
        lambda r, *fs: -math.log(p(r) + 0.1) - sum(math.log(1 - p(f) + 0.1) for f in fs),
        lambda r, *fs: math.log(p(r) + 0.1) + sum(math.log(1 - p(f) + 0.1) for f in fs),
    ),
    (
        Minimax(real_weight=0.3, epsilon=0.1),
        lambda r, *fs: -0.3 * math.log(p(r) + 0.1) - 0.7 / len(fs) * sum(math.log(1 - p(f) + 0.1) for f in fs),
        lambda r, *fs: math.log(p(r) + 0.1) + sum(math.log(1 - p(f) + 0.1) for f in fs),
    ),
    (
        NonSaturating(),
        lambda r, *fs: -math.log(p(r)) - sum(math.log(1 - p(f)) for f in fs),
        lambda r, *fs: -sum(math.log(p(f)) for f in fs),
    ),
    (
        Hinge(),
        lambda r, *fs: max(0.0, 1 - r) + sum(max(0.0, 1 + f) for f in fs),
        lambda r, *fs: -sum(fs),
    ),
    (
        LSGAN(),
        lambda r, *fs: 0.5 * (r - 1) ** 2 + sum(0.5 * f**2 for f in fs),
        lambda r, *fs: sum(0.5 * (f - 1) ** 2 for f in fs),
    ),
    (Wasserstein(), lambda r, *fs: sum(f - r for f in fs), lambda r, *fs: -sum(fs)),
    (
        Relativistic(),
        lambda r, *fs: -sum(math.log(p(r - f)) for f in fs),
        lambda r, *fs: -sum(math.log(p(f - r)) for f in fs),
    ),
]


@pytest.mark.parametrize("shown", [ONE, TWO], ids=["one fake", "two fakes"])
@pytest.mark.parametrize(("loss", "discriminator", "generator"), STATED, ids=lambda value: getattr(value, "name", ""))
def test_both_sides_have_known_costs(
    loss: AdversarialLoss,
    discriminator: Callable[..., float],
    generator: Callable[..., float],
    shown: tuple[list[float], list[list[float]]],
) -> None:
    real, fakes = shown
    versus = loss(torch.tensor(real), [torch.tensor(fake) for fake in fakes])
    images = list(zip(real, *fakes, strict=True))
    assert versus.discriminator_V.tolist() == pytest.approx([discriminator(*image) for image in images], rel=1e-5)
    assert versus.generator_V.tolist() == pytest.approx([generator(*image) for image in images], rel=1e-5)


def test_every_adversarial_loss_has_its_cost_stated_here() -> None:
    assert {type(loss) for loss, _, _ in STATED} == {type(loss) for loss in ADVERSARIAL}
    known = Registry().of_kind(AdversarialLoss.kind)
    assert {loss.name for loss in ADVERSARIAL} == {
        n for n in known if known[n].plugin.__module__.startswith("vaegan_bench.")
    }


def test_the_slopes_of_the_relativistic_game_are_those_of_a_choice_between_two() -> None:
    real, fake = torch.tensor([0.7], requires_grad=True), torch.tensor([-0.4], requires_grad=True)
    versus = Relativistic()(real, [fake])
    wrong = 1 - p(1.1)  # how probable the wrong choice is: the fake lies 1.1 below the real image
    by_real, by_fake = torch.autograd.grad(versus.discriminator_V.sum(), [real, fake])
    assert (by_real.item(), by_fake.item()) == pytest.approx((-wrong, wrong))
    by_real, by_fake = torch.autograd.grad(versus.generator_V.sum(), [real, fake])
    assert (by_real.item(), by_fake.item()) == pytest.approx((1 - wrong, wrong - 1))


def test_the_relativistic_game_sees_differences_alone() -> None:
    real, fakes = torch.tensor(ONE[0]), [torch.tensor(fake) for fake in TWO[1]]
    here, there = Relativistic()(real, fakes), Relativistic()(real + 3, [fake + 3 for fake in fakes])
    torch.testing.assert_close(here, there)


WEIGHTS = torch.tensor([0.5, -1.0, 2.0, 0.3])


def cubic(x_BCHW: Tensor) -> Tensor:
    """s(x) = Σ w·x³/3, whose gradient is w·x²: it differs from image to image."""
    return (x_BCHW.flatten(1) ** 3 @ WEIGHTS) / 3


def slope_of_cubic(x_BCHW: Tensor) -> Tensor:
    return (WEIGHTS * x_BCHW.flatten(1) ** 2).norm(dim=1)


def penalise(penalty: Regulariser, critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, seed: int) -> Tensor:
    judged = JudgedImages(real, critic(real)), JudgedImages(fake, critic(fake))
    return penalty(critic, *judged, torch.Generator().manual_seed(seed), penalty.memory())


def unequal_images() -> tuple[Tensor, Tensor]:
    noise = torch.Generator().manual_seed(9)
    sizes = torch.tensor([0.2, 1.0, 3.0])[:, None, None, None]
    return sizes * torch.randn(3, 1, 2, 2, generator=noise), sizes.flip(0) * torch.randn(3, 1, 2, 2, generator=noise)


def test_r1_is_that_of_real_images_for_a_critic_that_bends() -> None:
    real, fake = unequal_images()
    value = penalise(R1(weight=7.0), cubic, real, fake, 0)
    torch.testing.assert_close(value, 3.5 * slope_of_cubic(real).square())


def test_r1_and_r2_add_up_for_a_critic_that_bends() -> None:
    real, fake = unequal_images()
    value = penalise(R1R2(weight=7.0), cubic, real, fake, 0)
    torch.testing.assert_close(value, 3.5 * (slope_of_cubic(real).square() + slope_of_cubic(fake).square()))


def test_the_gradient_penalty_is_between_real_and_fake_for_a_critic_that_bends() -> None:
    real, fake = unequal_images()
    value = penalise(GradientPenalty(weight=7.0), cubic, real, fake, 3)
    share = torch.rand(3, generator=torch.Generator().manual_seed(3))[:, None, None, None]
    between = real + share * (fake - real)
    torch.testing.assert_close(value, 7.0 * (slope_of_cubic(between) - 1).square())


def test_penalties_weigh_by_default_what_their_papers_say() -> None:
    real, fake = unequal_images()
    torch.testing.assert_close(penalise(R1(), cubic, real, fake, 0), 5 * slope_of_cubic(real).square())
    both = slope_of_cubic(real).square() + slope_of_cubic(fake).square()
    torch.testing.assert_close(penalise(R1R2(), cubic, real, fake, 0), 0.5 * both)
    at_fakes = penalise(GradientPenalty(), cubic, fake, fake, 3)
    torch.testing.assert_close(at_fakes, 10 * (slope_of_cubic(fake) - 1).square())


def test_the_gradient_penalty_mixes_each_pair_anew_and_whole_images() -> None:
    seen: list[Tensor] = []

    def critic(x_BCHW: Tensor) -> Tensor:
        seen.append(x_BCHW.detach().clone())
        return x_BCHW.flatten(1).sum(1)

    real, fake = torch.zeros(64, 1, 2, 2), torch.ones(64, 1, 2, 2)
    penalise(GradientPenalty(), critic, real, fake, 0)
    shares = seen[-1].flatten(1)
    assert torch.equal(shares, shares[:, :1].expand(-1, 4))
    assert len(set(shares[:, 0].tolist())) == 64
    assert 0 <= shares.min() < 0.1
    assert 0.9 < shares.max() <= 1


def test_penalties_move_the_critic_and_nobody_else() -> None:
    scale = torch.tensor(2.0, requires_grad=True)
    real, fake = (images.requires_grad_() for images in unequal_images())
    for penalty in (R1(weight=2.0), R1R2(weight=2.0), GradientPenalty(weight=2.0)):
        value = penalise(penalty, lambda x: scale * cubic(x), real, fake, 3).sum()
        to_critic, to_real, to_fake = torch.autograd.grad(value, [scale, real, fake], allow_unused=True)
        assert to_critic.abs() > 0
        assert to_real is None
        assert to_fake is None


def plane(slope: Tensor) -> Callable[[Tensor], Tensor]:
    """A critic whose gradient is `slope` everywhere."""
    return lambda x: (x * slope).flatten(1).sum(1)


@pytest.mark.parametrize(
    ("penalty", "expected"),
    [
        (GradientPenalty(weight=10.0), 10 * (3 - 1) ** 2),
        (R1(weight=10.0), 0.5 * 10 * 3**2),
        (R1R2(weight=10.0), 0.5 * 10 * (3**2 + 3**2)),
    ],
    ids=lambda v: getattr(v, "name", ""),
)
def test_penalties_of_a_plane_are_known_and_reach_the_critic(penalty: Regulariser, expected: float) -> None:
    slope = torch.zeros(1, 2, 2)
    slope[0, 0, 0] = 3.0
    slope.requires_grad_()
    real, fake = torch.randn(2, 4, 1, 2, 2, generator=NOISE)
    value = penalise(penalty, plane(slope), real, fake, 0)
    assert value.tolist() == pytest.approx([expected] * 4, rel=1e-5)
    (gradient,) = torch.autograd.grad(value.mean(), slope)  # second order: the penalty pulls on the slope itself
    assert gradient[0, 0, 0] > 0


@pytest.mark.parametrize("loss", [Gaussian, Laplace])
def test_a_scale_that_is_not_positive_is_refused(loss: type[ReconstructionLoss]) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        loss(**{"sigma" if loss is Gaussian else "b": 0.0})


def test_total_correlation_of_weight_one_is_the_kl_of_the_draws() -> None:
    mu, logvar, epsilon = torch.randn(3, 5, 4, generator=NOISE)
    z = mu + (0.5 * logvar).exp() * epsilon
    said = Normal(mu, (0.5 * logvar).exp()).log_prob(z).sum(1) - Normal(0.0, 1.0).log_prob(z).sum(1)
    torch.testing.assert_close(prior_of(TotalCorrelation(beta=1), Posterior(mu, logvar), z), said)


def test_total_correlation_compares_each_code_with_all_posteriors() -> None:
    mu, logvar, epsilon = torch.randn(3, 5, 4, generator=NOISE)
    sigma, z = (0.5 * logvar).exp(), mu + (0.5 * logvar).exp() * epsilon
    joint = MixtureSameFamily(Categorical(torch.ones(5)), Independent(Normal(mu, sigma), 1)).log_prob(z)
    of_dimensions = [
        MixtureSameFamily(Categorical(torch.ones(5)), Normal(mu[:, d], sigma[:, d])).log_prob(z[:, d]) for d in range(4)
    ]
    plain, weighed = (prior_of(TotalCorrelation(beta=beta), Posterior(mu, logvar), z) for beta in (1, 3.5))
    torch.testing.assert_close(weighed - plain, 2.5 * (joint - torch.stack(of_dimensions).sum(0)))


def test_total_correlation_is_that_of_a_known_batch() -> None:
    # Two codes far apart, at (±10, ±10): q(z) has 2 peaks, the product of its dimensions has 4, log 2 nats apart.
    mu = torch.tensor([[10.0, 10.0], [-10.0, -10.0]])
    posterior = Posterior(mu, torch.zeros(2, 2))
    gained = prior_of(TotalCorrelation(beta=3), posterior) - prior_of(TotalCorrelation(beta=1), posterior)
    assert gained.tolist() == pytest.approx([2 * math.log(2)] * 2, rel=1e-5)
    apart = Posterior(torch.tensor([[10.0, 0.0], [-10.0, 0.0]]), torch.zeros(2, 2))  # the second says nothing
    assert prior_of(TotalCorrelation(beta=9), apart).tolist() == pytest.approx(
        prior_of(TotalCorrelation(beta=1), apart).tolist()
    )


def test_the_discrepancy_is_that_of_a_plain_sum_over_pairs() -> None:
    a, b = torch.randn(3, 2, generator=NOISE), torch.randn(3, 2, generator=NOISE) + 1

    def kernel(x: Tensor, y: Tensor) -> float:
        squared = float((x - y).square().sum())
        return sum(4 * scale / (4 * scale + squared) for scale in (0.1, 0.2, 0.5, 1, 2, 5, 10))

    pairs = [(i, j) for i in range(3) for j in range(3)]
    within = sum(kernel(x[i], x[j]) for x in (a, b) for i, j in pairs if i != j) / 6
    between = sum(kernel(a[i], b[j]) for i, j in pairs) / 9
    assert discrepancy(a, b).mean().item() == pytest.approx(within - 2 * between, rel=1e-5)


def test_the_discrepancy_is_about_zero_for_codes_from_the_prior_and_grows_with_their_distance() -> None:
    codes = torch.randn(400, 3, generator=NOISE)
    loss = MaximumMeanDiscrepancy(strength=1)
    unlike = [float(prior_of(loss, Posterior(each, each)).mean()) for each in (codes, codes + 1)]
    assert abs(unlike[0]) < 0.02
    assert unlike[1] > 0.3
    mixed = Posterior(codes, torch.zeros(400, 3))
    added = prior_of(MaximumMeanDiscrepancy(alpha=0.25, strength=1.75), mixed) - 0.75 * prior_of(KL(), mixed)
    torch.testing.assert_close(added, prior_of(MaximumMeanDiscrepancy(strength=1), mixed))


@pytest.mark.parametrize(
    ("loss", "fields"),
    [
        (Minimax, {"epsilon": -0.1}),
        (R1, {"weight": -1.0}),
        (R1R2, {"weight": -0.5}),
        (GradientPenalty, {"weight": -2.0}),
        (R1, {"share": 0.0}),
        (MaximumMeanDiscrepancy, {"strength": 0.5, "alpha": 0.0}),
    ],
)
def test_fields_that_would_reward_a_penalty_are_refused(loss: type[Plugin], fields: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(fields))):
        loss(**fields)


def test_a_kl_that_would_be_rewarded_is_refused() -> None:
    with pytest.raises(ValueError, match="alpha must be at most 1"):
        MaximumMeanDiscrepancy(alpha=1.5)
