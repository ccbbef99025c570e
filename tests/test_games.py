"""Each player's gradient is exactly the combination of terms that the paper states."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from vaegan_bench.api import Model, Objectives, Play, to_signed
from vaegan_bench.losses.adversarial.relativistic import Relativistic
from vaegan_bench.losses.regulariser.r1_r2 import R1R2
from vaegan_bench.models.gan import GAN
from vaegan_bench.models.vae import VAE
from vaegan_bench.models.vae_disl import VAEDisl
from vaegan_bench.models.vaegan import VAEGAN
from vaegan_bench.models.vaegan_pixel import VAEGANPixel
from vaegan_bench.study.run import Run
from vaegan_bench.testing import blobs, small_run
from vaegan_bench.training.gradients import player_gradients
from vaegan_bench.training.state import TrainingState

GAMMA = 0.37  # large enough that a missing or doubled γ cannot hide in rounding

# What Larsen et al. (2016), algorithm 1, state: player → coefficients on (KL, reconstruction, cost of Dis).
STATED = [
    (VAE(), {"autoencoder": {"prior": 1, "reconstruction": 1}}),
    (GAN(), {"decoder": {"discriminator": -1}, "discriminator": {"discriminator": 1}}),
    (
        VAEGAN(gamma=GAMMA),
        {
            "encoder": {"prior": 1, "similarity": 1, "discriminator": 0},
            "decoder": {"similarity": GAMMA, "discriminator": -1},
            "discriminator": {"discriminator": 1},
        },
    ),
    (  # the authors' code, which weighs the discriminator by 1 − γ
        VAEGAN(gamma=GAMMA, adversarial_weight=1 - GAMMA),
        {
            "encoder": {"prior": 1, "similarity": 1, "discriminator": 0},
            "decoder": {"similarity": GAMMA, "discriminator": GAMMA - 1},
            "discriminator": {"discriminator": 1},
        },
    ),
    (
        VAEGANPixel(gamma=GAMMA),
        {
            "encoder": {"prior": 1, "reconstruction": 1, "discriminator": 0},
            "decoder": {"reconstruction": GAMMA, "discriminator": -1},
            "discriminator": {"discriminator": 1},
        },
    ),
    (  # the opponents of a discriminator that saturates: a cost in pairs and penalties on both sides
        VAEGAN(gamma=GAMMA, adversarial=Relativistic(), regulariser=R1R2(weight=0.7)),
        {
            "encoder": {"prior": 1, "similarity": 1, "generator": 0, "discriminator": 0, "regulariser": 0},
            "decoder": {"similarity": GAMMA, "generator": 1, "discriminator": 0, "regulariser": 0},
            "discriminator": {"discriminator": 1, "regulariser": 1, "generator": 0, "similarity": 0},
        },
    ),
    (VAEDisl(), {"autoencoder": {"prior": 1, "similarity": 1}}),
]


def first_step(run: Run) -> tuple[TrainingState, Objectives]:
    """The game that a model states for its first batch, in float64."""
    data = blobs()
    state = TrainingState(run, data.shape, torch.device("cpu"))
    x = to_signed(data.train.images_NCHW[:16])
    return state, run.model.objectives(Play(state.modules, x, state.noise, 0, run.networks.latent))


pytestmark = pytest.mark.usefixtures("float64")


@pytest.mark.parametrize(("model", "stated"), STATED, ids=lambda value: getattr(value, "name", ""))
def test_gradients_have_exactly_the_stated_coefficients(model: Model, stated: dict[str, dict[str, float]]) -> None:
    state, game = first_step(small_run(model))
    reached = {
        (player, term): flat(gradient_of(game.terms[term].mean(), parameters), parameters)
        for player, parameters in state.parameters.items()
        for term in stated[player]
    }
    gradients = player_gradients(game, state)
    assert set(gradients) == set(stated)
    for player, coefficients in stated.items():
        terms = [term for term in coefficients if reached[player, term].abs().max() > 0]
        assert all(coefficients[term] == 0 for term in coefficients if term not in terms)
        basis = torch.stack([reached[player, term] for term in terms], dim=1)
        whole = flat(gradients[player], state.parameters[player])
        found = torch.linalg.lstsq(basis, whole).solution
        expected = torch.tensor([float(coefficients[term]) for term in terms])
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-8)
        torch.testing.assert_close(basis @ found, whole, rtol=1e-6, atol=1e-9)


def gradient_of(term: Tensor, parameters: list[torch.nn.Parameter]) -> tuple[Tensor | None, ...]:
    if not term.requires_grad:
        return tuple(None for _ in parameters)
    return torch.autograd.grad(term, parameters, retain_graph=True, allow_unused=True)


def flat(gradients: tuple[Tensor | None, ...], parameters: list[torch.nn.Parameter]) -> Tensor:
    pairs = zip(gradients, parameters, strict=True)
    return torch.cat([(torch.zeros_like(p) if g is None else g).flatten() for g, p in pairs])


def test_the_players_of_vaegan_share_one_forward_pass_of_each_batch() -> None:
    calls = {"encoder": 0, "decoder": 0, "discriminator": 0}
    data, run = blobs(), small_run(VAEGAN())
    state = TrainingState(run, data.shape, torch.device("cpu"))
    for role, module in state.modules.items():
        module.register_forward_hook(lambda *_, role=role: calls.__setitem__(role, calls[role] + 1))
    x = to_signed(data.train.images_NCHW[:8])
    run.model.objectives(Play(state.modules, x, state.noise, 0, run.networks.latent))
    assert calls == {"encoder": 1, "decoder": 1, "discriminator": 3}  # which treats every image by itself
