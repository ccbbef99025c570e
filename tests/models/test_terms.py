"""The terms of every built-in game, from hand-written networks and the formulas of the papers alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import torch
from by_hand import IMAGES, B, critic_slope, networks, play, step_by_hand
from torch import Tensor
from torch.distributions import Bernoulli as BernoulliDistribution
from torch.distributions import Laplace as LaplaceDistribution
from torch.distributions import Normal
from torch.nn.functional import softplus

from vaegan_bench.api import Gate, Model, Modules, Objectives
from vaegan_bench.losses.adversarial.hinge import Hinge
from vaegan_bench.losses.adversarial.lsgan import LSGAN
from vaegan_bench.losses.adversarial.nonsaturating import NonSaturating
from vaegan_bench.losses.adversarial.relativistic import Relativistic
from vaegan_bench.losses.adversarial.wgan import Wasserstein
from vaegan_bench.losses.gates.margin import Margin
from vaegan_bench.losses.prior.kl import KL
from vaegan_bench.losses.reconstruction.bernoulli import Bernoulli
from vaegan_bench.losses.reconstruction.gaussian import Gaussian
from vaegan_bench.losses.reconstruction.gaussian_learned import GaussianLearned
from vaegan_bench.losses.reconstruction.gaussian_predicted import GaussianPredicted
from vaegan_bench.losses.reconstruction.laplace import Laplace
from vaegan_bench.losses.regulariser.gradient_penalty import GradientPenalty
from vaegan_bench.losses.regulariser.r1 import R1
from vaegan_bench.losses.regulariser.r1_r2 import R1R2
from vaegan_bench.models.gan import GAN, area_under_roc
from vaegan_bench.models.vae import VAE
from vaegan_bench.models.vae_disl import VAEDisl
from vaegan_bench.models.vaegan import VAEGAN
from vaegan_bench.models.vaegan_pixel import VAEGANPixel

Terms = Mapping[str, Tensor]


def sigma(modules: Modules) -> Tensor:
    """The learned scalar, softly bounded."""
    return (5 * torch.tanh(modules["scale"].value / 5)).exp()


def nll(distribution: torch.distributions.Distribution, target: Tensor) -> Tensor:
    """The negative log-likelihood summed over all dimensions of each example."""
    return -distribution.log_prob(target).flatten(1).sum(1)


def pixels(s: SimpleNamespace) -> Tensor:
    return nll(Normal(s.images["rec"], 1.0), IMAGES)


def features(s: SimpleNamespace, scale: float | Tensor = 1.0) -> Tensor:
    return nll(Normal(s.features["rec"], scale), s.features["real"])


def cross_entropy(s: SimpleNamespace, *fakes: str) -> Tensor:
    """−log D(x) − Σ log(1 − D(fake)), the cost of the discriminator."""
    cost = -torch.log(torch.sigmoid(s.logits["real"]))
    return cost - sum(torch.log(1 - torch.sigmoid(s.logits[fake])) for fake in fakes)


def minimax(s: SimpleNamespace, *fakes: str) -> Terms:
    return {"discriminator": cross_entropy(s, *fakes), "generator": -cross_entropy(s, *fakes)}


def free_bits(s: SimpleNamespace, bound: float) -> Tensor:
    """Dimensions whose divergence, averaged over the batch, is below the bound count as the bound."""
    by_dimension = torch.distributions.kl_divergence(s.posterior, Normal(0.0, 1.0))
    counted = [column if column.mean() >= bound else torch.full((B,), bound) for column in by_dimension.T]
    return torch.stack(counted).sum(0)


def penalty(modules: Modules, s: SimpleNamespace, weight: float, shown: str = "prior") -> Tensor:
    """Between real images and what is shown as fake: samples, unless only reconstructions are."""
    between = IMAGES + s.mix * (s.images[shown] - IMAGES)
    return weight * (critic_slope(modules, between).norm(dim=1) - 1).square()


def r1(modules: Modules, weight: float, images: Tensor = IMAGES) -> Tensor:
    return 0.5 * weight * critic_slope(modules, images).square().sum(1)


def choice(winner: Tensor, *losers: Tensor) -> Tensor:
    """−Σ log of the probability that a logit wins over another, by the logistic function of their difference."""
    return -sum(torch.log(torch.sigmoid(winner - loser)) for loser in losers)  # type: ignore[return-value]


AUTOENCODER = {"autoencoder": {"prior": 1.0, "reconstruction": 1.0}}
ADVERSARIES = {"decoder": {"generator": 1.0}, "discriminator": {"discriminator": 1.0}}
PENALISED = {"decoder": {"generator": 1.0}, "discriminator": {"discriminator": 1.0, "regulariser": 1.0}}


def three_players(term: str, gamma: float, weight: float = 1.0, **more: float) -> dict[str, dict[str, float]]:
    return {
        "encoder": {"prior": 1.0, term: 1.0},
        "decoder": {term: gamma, "generator": weight},
        "discriminator": {"discriminator": 1.0, **more},
    }


Stated = Callable[[Modules, SimpleNamespace], Terms]
ROWS: list[tuple[Model, str, Stated, dict[str, dict[str, float]]]] = [
    (VAE(), "real rec", lambda m, s: {"prior": s.kl, "reconstruction": pixels(s)}, AUTOENCODER),
    (
        VAE(prior=KL(free_bits=0.4), reconstruction=Laplace(b=0.3)),
        "real rec",
        lambda m, s: {
            "prior": free_bits(s, 0.4),
            "reconstruction": nll(LaplaceDistribution(s.images["rec"], 0.3), IMAGES),
        },
        AUTOENCODER,
    ),
    (
        VAE(reconstruction=GaussianLearned()),
        "real rec",
        lambda m, s: {"prior": s.kl, "reconstruction": nll(Normal(s.images["rec"], sigma(m)), IMAGES)},
        AUTOENCODER,
    ),
    (
        VAE(reconstruction=Bernoulli()),
        "real rec",
        lambda m, s: {
            "prior": s.kl,
            "reconstruction": nll(
                BernoulliDistribution(logits=2 * s.raw["rec"], validate_args=False), (IMAGES + 1) / 2
            ),
        },
        AUTOENCODER,
    ),
    (GAN(), "real prior", lambda m, s: minimax(s, "prior"), ADVERSARIES),
    (
        GAN(adversarial=NonSaturating(), regulariser=GradientPenalty(weight=3.0)),
        "real prior",
        lambda m, s: {
            "discriminator": cross_entropy(s, "prior"),
            "generator": softplus(-s.logits["prior"]),
            "regulariser": penalty(m, s, 3.0),
        },
        PENALISED,
    ),
    (
        VAEGAN(gamma=0.37),
        "real rec prior",
        lambda m, s: {"prior": s.kl, "similarity": features(s), **minimax(s, "rec", "prior")},
        three_players("similarity", 0.37),
    ),
    (
        VAEGAN(fakes="samples", similarity=Gaussian(sigma=0.5), adversarial_weight=0.8, regulariser=R1(weight=3.0)),
        "real rec prior",
        lambda m, s: {
            "prior": s.kl,
            "similarity": features(s, 0.5),
            "regulariser": r1(m, 3.0),
            **minimax(s, "prior"),
        },
        three_players("similarity", 1e-5, 0.8, regulariser=1.0),
    ),
    (
        VAEGAN(
            fakes="reconstructions",
            similarity=GaussianLearned(),
            adversarial=Wasserstein(),
            regulariser=GradientPenalty(weight=3.0),
        ),
        "real rec prior",
        lambda m, s: {
            "prior": s.kl,
            "similarity": features(s, sigma(m)),
            "discriminator": s.logits["rec"] - s.logits["real"],
            "generator": -s.logits["rec"],
            "regulariser": penalty(m, s, 3.0, "rec"),
        },
        three_players("similarity", 1e-5, regulariser=1.0),
    ),
    (
        VAEGAN(gamma=0.37, adversarial=Relativistic(), regulariser=R1R2(weight=3.0)),
        "real rec prior",
        lambda m, s: {
            "prior": s.kl,
            "similarity": features(s),
            "discriminator": choice(s.logits["real"], s.logits["rec"], s.logits["prior"]),
            "generator": choice(s.logits["rec"], s.logits["real"]) + choice(s.logits["prior"], s.logits["real"]),
            "regulariser": r1(m, 3.0) + r1(m, 3.0, s.images["prior"]),  # R2 on samples alone
        },
        three_players("similarity", 0.37, regulariser=1.0),
    ),
    (
        GAN(adversarial=Relativistic(), regulariser=R1R2(weight=3.0, share=0.5)),
        "real prior",
        lambda m, s: {
            "discriminator": choice(s.logits["real"], s.logits["prior"]),
            "generator": choice(s.logits["prior"], s.logits["real"]),
            "regulariser": r1(m, 3.0, IMAGES[:3]) + r1(m, 3.0, s.images["prior"][:3]),  # half of five, rounded up
        },
        PENALISED,
    ),
    (
        VAEGANPixel(gamma=0.37, adversarial=LSGAN(), regulariser=GradientPenalty(weight=3.0)),
        "real rec prior",
        lambda m, s: {
            "prior": s.kl,
            "reconstruction": pixels(s),
            "discriminator": 0.5 * (s.logits["real"] - 1) ** 2 + 0.5 * (s.logits["rec"] ** 2 + s.logits["prior"] ** 2),
            "generator": 0.5 * ((s.logits["rec"] - 1) ** 2 + (s.logits["prior"] - 1) ** 2),
            "regulariser": penalty(m, s, 3.0),
        },
        three_players("reconstruction", 0.37, regulariser=1.0),
    ),
    (
        VAEGANPixel(
            fakes="samples", adversarial=Hinge(), adversarial_weight=0.8, regulariser=GradientPenalty(weight=3.0)
        ),
        "real rec prior",
        lambda m, s: {
            "prior": s.kl,
            "reconstruction": pixels(s),
            "discriminator": (1 - s.logits["real"]).clamp(min=0) + (1 + s.logits["prior"]).clamp(min=0),
            "generator": -s.logits["prior"],
            "regulariser": penalty(m, s, 3.0),
        },
        three_players("reconstruction", 1e-3, 0.8, regulariser=1.0),
    ),
    (
        VAEGANPixel(fakes="reconstructions", regulariser=GradientPenalty(weight=3.0)),
        "real rec prior",
        lambda m, s: {
            "prior": s.kl,
            "reconstruction": pixels(s),
            "regulariser": penalty(m, s, 3.0, "rec"),
            **minimax(s, "rec"),
        },
        three_players("reconstruction", 1e-3, regulariser=1.0),
    ),
    (
        VAEDisl(similarity=Laplace(b=0.5)),
        "real rec",
        lambda m, s: {
            "prior": s.kl,
            "similarity": nll(LaplaceDistribution(s.features["rec"], 0.5), s.features["real"]),
        },
        {"autoencoder": {"prior": 1.0, "similarity": 1.0}},
    ),
]


def stated_and_found(
    model: Model, shown: str, stated: Stated, conditional: bool = False
) -> tuple[Terms, Objectives, SimpleNamespace]:
    modules = networks(scale="learned" in str(model))
    step = step_by_hand(modules, shown, conditional)
    return stated(modules, step), model.objectives(play(modules, conditional)), step


@pytest.mark.parametrize("conditional", [False, True], ids=["plain", "conditional"])
@pytest.mark.parametrize(
    ("model", "shown", "stated", "minimise"), ROWS, ids=lambda value: str(value) if isinstance(value, Model) else ""
)
def test_terms_are_those_of_the_paper(
    model: Model, shown: str, stated: Stated, minimise: dict[str, dict[str, float]], conditional: bool
) -> None:
    expected, game, _ = stated_and_found(model, shown, stated, conditional)
    assert game.minimise == minimise
    assert set(game.terms) == set(expected)
    for name, term in game.terms.items():
        torch.testing.assert_close(term, expected[name], rtol=1e-4, atol=1e-5, msg=lambda m, name=name: f"{name}: {m}")


@pytest.mark.parametrize("conditional", [False, True], ids=["plain", "conditional"])
@pytest.mark.parametrize(
    ("model", "shown", "stated", "_"), ROWS, ids=lambda value: str(value) if isinstance(value, Model) else ""
)
def test_gradients_of_terms_are_those_of_the_paper(
    model: Model, shown: str, stated: Stated, _: object, conditional: bool
) -> None:
    """Of every term, with respect to the weights of every network: nothing is held fixed that should move."""
    modules = networks(scale="learned" in str(model))
    expected = stated(modules, step_by_hand(modules, shown, conditional))
    game = model.objectives(play(modules, conditional))
    for name, term in game.terms.items():
        # A penalty is a function of the discriminator alone, wherever it looks.
        moved = modules if name != "regulariser" else {"discriminator": modules["discriminator"]}
        weights = {f"{role}.{n}": weight for role, net in moved.items() for n, weight in net.named_parameters()}
        found, wanted = (
            torch.autograd.grad(value.mean(), list(weights.values()), retain_graph=True, allow_unused=True)
            for value in (term, expected[name])
        )
        for (weight, tensor), mine, theirs in zip(weights.items(), found, wanted, strict=True):
            slopes = [torch.zeros_like(tensor) if slope is None else slope for slope in (mine, theirs)]
            message = f"{name}, {weight}: "
            torch.testing.assert_close(*slopes, rtol=1e-4, atol=1e-5, msg=lambda m, message=message: message + m)


@pytest.mark.parametrize("conditional", [False, True])
def test_lender_and_borrower_are_conditional_together_or_neither_is(conditional: bool) -> None:
    with pytest.raises(ValueError, match="conditional must be the same for gan"):
        VAEDisl(conditional=conditional, gan=GAN(conditional=not conditional))


def test_what_only_pixels_have_is_no_similarity_of_features() -> None:
    for kind in (VAEGAN, VAEDisl):
        with pytest.raises(ValueError, match="only pixels"):
            kind(similarity=Bernoulli())
    with pytest.raises(ValueError, match="trains a discriminator, and 'vae' has none"):
        VAEDisl(gan=VAE())


def test_a_predicted_sigma_is_the_second_head_of_the_decoder() -> None:
    modules = networks(heads=2)
    game = VAE(reconstruction=GaussianPredicted()).objectives(play(modules))
    mean, log_sigma = step_by_hand(modules, "rec", judged=False).raw["rec"].chunk(2, dim=1)
    expected = nll(Normal(mean.tanh(), (5 * torch.tanh(log_sigma / 5)).exp()), IMAGES)
    torch.testing.assert_close(game.terms["reconstruction"], expected)


SEEN: list[tuple[Tensor, Tensor]] = []


@dataclass(frozen=True, kw_only=True)
class RestsTheDecoder(Gate):
    """Notes what it is shown."""

    name = "rests-the-decoder"

    def __call__(self, real_B: Tensor, fake_B: Tensor) -> frozenset[str]:
        SEEN.append((real_B, fake_B))
        return frozenset({"decoder"})


@pytest.mark.parametrize(
    ("model", "shown", "fakes"),
    [
        (GAN(gate=RestsTheDecoder()), "real prior", ["prior"]),
        (VAEGAN(gate=RestsTheDecoder()), "real rec prior", ["rec", "prior"]),
        (VAEGAN(gate=RestsTheDecoder(), fakes="samples"), "real rec prior", ["prior"]),
        (VAEGANPixel(gate=RestsTheDecoder(), fakes="reconstructions"), "real rec prior", ["rec"]),
    ],
    ids=str,
)
def test_a_gate_sees_the_logits_of_real_images_then_those_of_fakes(model: Model, shown: str, fakes: list[str]) -> None:
    SEEN.clear()
    _, game, step = stated_and_found(model, shown, lambda m, s: {})
    ((real, fake),) = SEEN
    torch.testing.assert_close(real, step.logits["real"])
    torch.testing.assert_close(fake, torch.cat([step.logits[name] for name in fakes]))
    assert set(game.minimise) == set(model.players) - {"decoder"}


@pytest.mark.parametrize("kind", [GAN, VAEGAN, VAEGANPixel])
def test_a_discriminator_that_is_sure_of_real_images_rests(kind: type[GAN]) -> None:
    modules = networks()
    with torch.no_grad():
        modules["decoder"].weight.zero_()  # black images, of which the discriminator says nothing
        modules["discriminator"].w.zero_()
        modules["discriminator"].v.fill_(30.0)
    players = set(kind(gate=Margin()).objectives(play(modules)).minimise)
    assert players == set(kind.players) - {"discriminator"}


@pytest.mark.parametrize(
    ("fakes", "shown"),
    [("both", ["rec", "prior"]), ("samples", ["prior"]), ("reconstructions", ["rec"])],
)
@pytest.mark.parametrize("kind", [VAEGAN, VAEGANPixel])
def test_the_log_says_how_often_a_real_image_outscores_what_is_shown_as_fake(
    kind: type[VAEGAN] | type[VAEGANPixel], fakes: str, shown: list[str]
) -> None:
    model = kind(fakes=fakes)
    _, game, step = stated_and_found(model, "real rec prior", lambda m, s: {})
    real, fake = step.logits["real"].tolist(), torch.cat([step.logits[name] for name in shown]).tolist()
    share = sum(r > f for r in real for f in fake) / (len(real) * len(fake))
    assert game.log["discriminator auc"].item() == pytest.approx(share)
    assert share not in (0.5, 1 - share)


def test_the_log_holds_the_root_mean_square_of_real_features() -> None:
    _, game, step = stated_and_found(VAEGAN(), "real rec prior", lambda m, s: {})
    torch.testing.assert_close(game.log["feature scale"], step.features["real"].pow(2).mean(1).sqrt())


def test_the_area_under_the_curve_counts_ties_half() -> None:
    real, fake = torch.tensor([3.0, 1.0]), torch.tensor([1.0, 0.0, 2.0])
    assert area_under_roc(real, fake).item() == pytest.approx((3 + 1.5) / 6)
    assert area_under_roc(fake, real).item() == pytest.approx(1.5 / 6)
