"""Who moves whom: every player's gradient is the paper's combination of terms, and pulls the way that it says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from rivals_game import RIVALS, flat, game_of, gradient_of, state_of
from torch import Tensor
from vaegan_bench_rivals.alpha_gan import AlphaGAN
from vaegan_bench_rivals.bigan import BiGAN
from vaegan_bench_rivals.sngan import SNGAN
from vaegan_bench_rivals.soft_introvae import SoftIntroVAE
from vaegan_bench_rivals.wae_gan import WAEGAN
from vaegan_bench_rivals.wgan_gp import WGANGP

from vaegan_bench.api import Model
from vaegan_bench.training.gradients import player_gradients

DIMENSIONS = 3 * 32 * 32

# What the papers state: player → coefficients on terms, zeros included.
STATED: list[tuple[Model, dict[str, dict[str, float]]]] = [
    (
        WAEGAN(weight=7, width=16, layers=2),
        {
            "encoder": {"reconstruction": 1, "prior": 7, "code discriminator": 0},
            "decoder": {"reconstruction": 1},
            "code discriminator": {"code discriminator": 7, "prior": 0},
        },
    ),
    (
        AlphaGAN(weight=700, width=16, layers=2),
        {
            "encoder": {"reconstruction": 700 / DIMENSIONS, "prior": 1, "generator": 0, "discriminator": 0},
            "decoder": {"reconstruction": 700 / DIMENSIONS, "generator": 1, "discriminator": 0},
            "discriminator": {"discriminator": 1, "generator": 0},
            "code discriminator": {"code discriminator": 1, "prior": 0},
        },
    ),
    (
        BiGAN(width=16, layers=1),
        {
            "encoder": {"inference": 1, "discriminator": 0},
            "decoder": {"generator": 1, "discriminator": 0},
            "discriminator": {"discriminator": 1, "generator": 0, "inference": 0},
        },
    ),
    (
        WGANGP(),
        {"decoder": {"generator": 1}, "discriminator": {"discriminator": 1, "regulariser": 1, "generator": 0}},
    ),
    (SNGAN(), {"decoder": {"generator": 1}, "discriminator": {"discriminator": 1, "generator": 0}}),
    (
        SoftIntroVAE(beta_rec=0.7, beta_kl=1.3, beta_neg=50, gamma_r=0.4, alpha=3),
        {
            "encoder": {
                "reconstruction": 0.7 / DIMENSIONS,
                "prior": 1.3 / DIMENSIONS,
                "exp-elbo of fakes": 1 / 3,
                "prior of fakes": 0,
            },
            "decoder": {
                "reconstruction": 0.7 / DIMENSIONS,
                "prior of fakes": 1.3 / DIMENSIONS,
                "reconstruction of fakes": 0.4 * 0.7 / DIMENSIONS,
                "exp-elbo of fakes": 0,
            },
        },
    ),
]

# player, its term, the cost of its opponent that a move down this term raises
OPPOSED = [
    (WAEGAN(width=16, layers=2), "encoder", "prior", "code discriminator"),
    (AlphaGAN(width=16, layers=2), "encoder", "prior", "code discriminator"),
    (AlphaGAN(width=16, layers=2), "decoder", "generator", "discriminator"),
    (BiGAN(width=16, layers=1), "encoder", "inference", "discriminator"),
    (BiGAN(width=16, layers=1), "decoder", "generator", "discriminator"),
    (WGANGP(), "decoder", "generator", "discriminator"),
    (SNGAN(), "decoder", "generator", "discriminator"),
    (SoftIntroVAE(), "encoder", "exp-elbo of fakes", "prior of fakes"),
    (SoftIntroVAE(), "decoder", "prior of fakes", "exp-elbo of fakes"),
]


@pytest.fixture(autouse=True)
def _float64_throughout(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`.float()`, which guards against bfloat16, must not round what is compared here."""
    monkeypatch.setattr(Tensor, "float", Tensor.double)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def named(value: object) -> str:
    return getattr(value, "name", "") or (value if isinstance(value, str) else "")


OFFSET = "discriminator.verdict.bias"
"""Of a critic whose cost is a difference of scores, the offset drops out."""


@pytest.mark.parametrize("model", RIVALS, ids=named)
def test_every_weight_of_every_player_is_reached(model: Model) -> None:
    state = state_of(model)
    gradients = player_gradients(game_of(model, state), state)
    assert set(gradients) == set(model.players)
    for player, found in gradients.items():
        assert len(found) == len(state.parameters[player]) > 0
        for weight, gradient in zip(state.parameters[player], found, strict=True):
            assert gradient.isfinite().all()
            (name,) = state.names_of([weight])
            assert gradient.abs().max() > 0 or name == OFFSET, name


@pytest.mark.parametrize(("model", "stated"), STATED, ids=named)
def test_gradients_have_exactly_the_stated_coefficients(model: Model, stated: dict[str, dict[str, float]]) -> None:
    state = state_of(model)
    game = game_of(model, state)
    basis_of = {
        player: {term: flat(gradient_of(game.terms[term], state.parameters[player])) for term in coefficients}
        for player, coefficients in stated.items()
    }
    gradients = player_gradients(game, state)
    assert set(gradients) == set(stated)
    for player, coefficients in stated.items():
        reached = basis_of[player]
        terms = [term for term in coefficients if reached[term].abs().max() > 0]
        assert all(coefficients[term] == 0 for term in coefficients if term not in terms)
        norms = torch.stack([reached[term].norm() for term in terms])  # terms differ in size by many orders
        basis, whole = torch.stack([reached[term] for term in terms], dim=1) / norms, flat(gradients[player])
        found = torch.linalg.lstsq(basis, whole).solution
        expected = torch.tensor([float(coefficients[term]) for term in terms]) * norms
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-9)
        torch.testing.assert_close(basis @ found, whole, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("model", "player", "term", "cost"), OPPOSED, ids=named)
def test_a_move_of_one_player_hurts_its_opponent(model: Model, player: str, term: str, cost: str) -> None:
    state = state_of(model)
    if "discriminator" in state.modules:
        state.modules["discriminator"].eval()  # spectral norms are refined at every look, and move the costs a little
    before = game_of(model, state)
    own = state.parameters[player]
    gradient = gradient_of(before.terms[term], own)
    with torch.no_grad():
        for weight, slope in zip(own, gradient, strict=True):
            weight.sub_(slope, alpha=float(1e-4 / flat(gradient).norm()))
    after = game_of(model, state)
    assert after.terms[term].mean() < before.terms[term].mean()
    assert after.terms[cost].mean() > before.terms[cost].mean()
