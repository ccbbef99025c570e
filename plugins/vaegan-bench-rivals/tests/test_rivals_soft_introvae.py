"""Soft-IntroVAE: its gradients are those of two separate steps, and the exponential has the limits that it should."""

from __future__ import annotations

import pytest
import torch
from rivals_game import LATENT, flat, game_of, gradient_of, play_of, state_of
from torch import Tensor, nn
from vaegan_bench_rivals.soft_introvae import SoftIntroVAE

from vaegan_bench.api import Modules, Play, Posterior
from vaegan_bench.training.gradients import player_gradients
from vaegan_bench.training.state import TrainingState

MODEL = SoftIntroVAE(beta_rec=0.7, beta_kl=1.3, beta_neg=50, gamma_r=0.4)


def distance(first: Tensor, second: Tensor) -> Tensor:
    """Squared, of images in [0, 1]."""
    return ((first + 1) / 2 - (second + 1) / 2).square().sum((1, 2, 3))


def divergence(posterior: Posterior) -> Tensor:
    normal = torch.distributions.Normal(posterior.mu_BZ, (0.5 * posterior.logvar_BZ).exp())
    return torch.distributions.kl_divergence(normal, torch.distributions.Normal(0, 1)).sum(1)


def separate_steps(state: TrainingState) -> tuple[Tensor, Tensor]:
    """What encoder and decoder minimise when each is updated alone, with everything of the other's held fixed."""
    play, m, modules = play_of(state), MODEL, state.modules
    x, s = play.x_BCHW, 1 / play.x_BCHW[0].numel()
    posterior = modules.encode(x)
    z = posterior.sample(play.noise)
    z_prior = torch.randn(len(x), LATENT, generator=play.noise)
    rec, held, fake = (modules.decode(codes)[0].mean for codes in (z, z.detach(), z_prior))
    elbo = m.beta_rec * distance(rec, x) + m.beta_kl * divergence(posterior)

    encoder, decoder = s * elbo.mean(), m.beta_rec * distance(rec, x).mean()
    for made in (held, fake):  # one after the other, as the authors' code passes them
        constant, epsilon_state = made.detach(), play.noise.get_state()
        q = modules.encode(constant)
        (again,) = modules.decode(q.sample(play.noise))
        energy = m.beta_rec * distance(again.mean, constant) + m.beta_neg * divergence(q)
        encoder = encoder + 0.25 * torch.exp(-2 * s * energy).mean()

        play.noise.set_state(epsilon_state)
        q = modules.encode(made)
        (again,) = modules.decode(q.sample(play.noise).detach())
        decoder = decoder + 0.5 * m.beta_kl * divergence(q).mean()
        decoder = decoder + 0.5 * m.gamma_r * m.beta_rec * distance(again.mean, constant).mean()
    return encoder, s * decoder


def test_one_statement_gives_the_gradients_of_two_separate_steps() -> None:
    state = state_of(MODEL)
    found = player_gradients(game_of(MODEL, state), state)
    for player, objective in zip(("encoder", "decoder"), separate_steps(state), strict=True):
        expected = flat(gradient_of(objective, state.parameters[player]))
        torch.testing.assert_close(flat(found[player]), expected, rtol=1e-3, atol=1e-5 * float(expected.abs().max()))


class Knows(nn.Module):
    """An encoder that gives every image one and the same posterior."""

    def __init__(self, mu: float) -> None:
        super().__init__()
        self.mu = nn.Parameter(torch.tensor(mu))

    def forward(self, x_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        return self.mu.expand(len(x_BCHW), LATENT), torch.zeros(len(x_BCHW), LATENT)


class Grey(nn.Module):
    """A decoder of grey images."""

    def forward(self, z_BZ: Tensor) -> Tensor:
        return torch.zeros(len(z_BZ), 1, 4, 4)


def terms_with(mu: float, model: SoftIntroVAE) -> dict[str, Tensor]:
    modules = Modules({"encoder": Knows(mu), "decoder": Grey()})
    play = Play(modules, torch.ones(5, 1, 4, 4), torch.Generator().manual_seed(0), 0, LATENT)
    return dict(model.objectives(play).terms)


def test_fakes_that_the_encoder_explains_perfectly_cost_it_the_most() -> None:
    terms = terms_with(0.0, SoftIntroVAE())  # no divergence, and grey is decoded to grey
    torch.testing.assert_close(terms["exp-elbo of fakes"], torch.ones(5))
    torch.testing.assert_close(terms["reconstruction"], torch.full((5,), 16 * 0.25))  # white and grey are ½ apart


@pytest.mark.parametrize("mu", [0.1, 0.2])
def test_the_exponential_is_that_of_the_paper(mu: float) -> None:
    terms = terms_with(mu, SoftIntroVAE(beta_neg=8, alpha=2))
    kl = LATENT * mu**2 / 2
    torch.testing.assert_close(terms["exp-elbo of fakes"], torch.full((5,), -2 * 8 * kl / 16).exp())
    torch.testing.assert_close(terms["prior of fakes"], torch.full((5,), kl))


def test_fakes_that_are_known_for_fakes_no_longer_matter() -> None:
    assert terms_with(3.0, SoftIntroVAE())["exp-elbo of fakes"].max() < 1e-30


def test_a_small_alpha_is_an_encoder_that_minimises_the_elbo_of_fakes() -> None:
    # exp(−αE)/α = 1/α − E + O(α): as α → 0 the gradient is that of −E, however well fakes are known.
    mu, model = 0.5, SoftIntroVAE(beta_neg=8, alpha=1e-4)
    modules = Modules({"encoder": Knows(mu), "decoder": Grey()})
    play = Play(modules, torch.ones(5, 1, 4, 4), torch.Generator().manual_seed(0), 0, LATENT)
    game = model.objectives(play)
    term = game.terms["exp-elbo of fakes"].mean() * game.minimise["encoder"]["exp-elbo of fakes"]
    (slope,) = torch.autograd.grad(term, list(modules["encoder"].parameters()))
    assert float(slope) == pytest.approx(-8 * LATENT * mu / 16, rel=1e-3)
