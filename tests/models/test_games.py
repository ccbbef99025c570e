"""Each player's gradient is exactly the combination of terms that the paper states."""

from __future__ import annotations

import pytest
import torch

from vaegan_bench.api import Model, Objectives, Play, to_signed
from vaegan_bench.losses.adversarial.relativistic import Relativistic
from vaegan_bench.losses.regulariser.r1_r2 import R1R2
from vaegan_bench.models.gan import GAN
from vaegan_bench.models.vae import VAE
from vaegan_bench.models.vae_disl import VAEDisl
from vaegan_bench.models.vaegan import VAEGAN
from vaegan_bench.models.vaegan_pixel import VAEGANPixel
from vaegan_bench.study.run import Run
from vaegan_bench.testing import ConformanceError, blobs, small_run
from vaegan_bench.testing.coefficients import measure_coefficients, regress
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
    found = measure_coefficients(game, state, {term for terms in stated.values() for term in terms})
    assert set(found) == set(stated)
    for player, coefficients in found.items():
        expected = dict.fromkeys(coefficients, 0.0) | stated[player]
        assert coefficients == pytest.approx(expected, rel=1e-6, abs=1e-8)


def test_a_gradient_that_terms_do_not_explain_is_an_error() -> None:
    terms = {"one": torch.tensor([1.0, 0.0, 0.0]), "two": torch.tensor([1.0, 1e-9, 0.0]), "none": torch.zeros(3)}
    assert regress(torch.tensor([3.0, 2e-9, 0.0]), terms) == pytest.approx({"one": 1.0, "two": 2.0, "none": 0.0})
    with pytest.raises(ConformanceError, match=r"one, two, none leave 1.0e-01 of a gradient unexplained"):
        regress(torch.tensor([3.0, 0.0, 0.3015]), terms)
    with pytest.raises(ConformanceError, match=r"none leave 1.0e\+00 of a gradient unexplained"):
        regress(torch.tensor([3.0, 0.0, 0.3]), {"none": torch.zeros(3)})
    assert regress(torch.zeros(3), {"none": torch.zeros(3)}) == {"none": 0.0}


def test_the_players_of_vaegan_share_one_forward_pass_of_each_batch() -> None:
    calls = {"encoder": 0, "decoder": 0, "discriminator": 0}
    data, run = blobs(), small_run(VAEGAN())
    state = TrainingState(run, data.shape, torch.device("cpu"))
    for role, module in state.modules.items():
        module.register_forward_hook(lambda *_, role=role: calls.__setitem__(role, calls[role] + 1))
    x = to_signed(data.train.images_NCHW[:8])
    run.model.objectives(Play(state.modules, x, state.noise, 0, run.networks.latent))
    assert calls == {"encoder": 1, "decoder": 1, "discriminator": 3}  # which treats every image by itself
