"""Encoders that name one code, and discriminators that look at codes."""

from __future__ import annotations

import math

import pytest
import torch
from rivals_game import LATENT, game_of, play_of, state_of
from vaegan_bench_rivals.alpha_gan import AlphaGAN
from vaegan_bench_rivals.bigan import BiGAN
from vaegan_bench_rivals.discriminators import feature_size
from vaegan_bench_rivals.wae_gan import WAEGAN

from vaegan_bench.api import ImageShape
from vaegan_bench.models.vae import VAE
from vaegan_bench.networks.compact import Compact
from vaegan_bench.networks.deterministic import Encoding, beside_the_mean
from vaegan_bench.networks.larsen import Larsen

SHAPE = ImageShape(3, 32, 32)


@pytest.mark.parametrize("networks", [Compact(latent=6), Larsen(latent=6)], ids=lambda n: n.name)
def test_the_mean_depends_on_all_but_the_variances_head(networks: Compact | Larsen) -> None:
    assert beside_the_mean(networks, SHAPE) == {"logvar.weight", "logvar.bias"}


def test_a_deterministic_encoder_owns_no_variance_and_claims_none() -> None:
    deterministic, gaussian = state_of(WAEGAN()), state_of(WAEGAN(encoder="gaussian"))
    assert len(gaussian.parameters["encoder"]) == len(deterministic.parameters["encoder"]) + 2
    x = play_of(deterministic).x_BCHW
    posterior = deterministic.modules.encode(x)
    assert posterior.logvar_BZ.exp().max() < 1e-4  # the least that the harness knows
    torch.testing.assert_close(posterior.mu_BZ, state_of(VAE()).modules.encode(x).mu_BZ, rtol=0, atol=0)


@pytest.mark.parametrize("encoder", ["deterministic", "gaussian"])
def test_only_gaussian_codes_take_noise(encoder: Encoding) -> None:
    model = WAEGAN(encoder=encoder)
    state = state_of(model)
    first, second = play_of(state), play_of(state)
    second.noise.manual_seed(99)
    equal = torch.equal(*(model.objectives(play).terms["reconstruction"] for play in (first, second)))
    assert equal == (encoder == "deterministic")


def test_the_cost_of_wae_is_the_squared_distance_but_for_a_constant() -> None:
    model = WAEGAN()
    state = state_of(model)
    play = play_of(state)
    cost = model.objectives(play).terms["reconstruction"]
    (x_rec,) = state.modules.decode(state.modules.encode(play.x_BCHW).mu_BZ)
    distance = (play.x_BCHW - x_rec.mean).square().flatten(1).sum(1)
    constant = 0.5 * math.log(math.pi) * play.x_BCHW[0].numel()  # of a Gaussian with σ² = ½
    torch.testing.assert_close(cost, distance + constant, rtol=1e-5, atol=1e-2)


def test_a_code_discriminator_that_knows_nothing_costs_what_a_coin_does() -> None:
    model = WAEGAN()
    state = state_of(model)
    with torch.no_grad():
        for weight in state.modules["code discriminator"].parameters():
            weight.zero_()
    terms = game_of(model, state).terms
    torch.testing.assert_close(terms["prior"], torch.full((16,), math.log(2)))
    torch.testing.assert_close(terms["code discriminator"], torch.full((16,), 2 * math.log(2)))


def test_the_ratio_estimates_of_alpha_gan_are_those_of_its_discriminators() -> None:
    model = AlphaGAN()
    state = state_of(model)
    game, play = game_of(model, state), play_of(state)
    z = state.modules.encode(play.x_BCHW).mu_BZ
    z_prior = torch.randn(16, LATENT, generator=torch.Generator().manual_seed(3))
    code = torch.sigmoid(state.modules["code discriminator"](z))
    torch.testing.assert_close(game.terms["prior"], -code.log() + (1 - code).log(), rtol=1e-4, atol=1e-5)
    x_rec, x_prior = state.modules.decode(z, z_prior)
    image = [torch.sigmoid(j.logits_B) for j in state.modules.judge(x_rec.mean, x_prior.mean)]
    stated = sum(-p.log() + (1 - p).log() for p in image)
    torch.testing.assert_close(game.terms["generator"], stated, rtol=1e-4, atol=1e-5)


def test_the_joint_discriminator_looks_at_the_code_and_at_the_image() -> None:
    state = state_of(BiGAN())
    x = play_of(state).x_BCHW
    (seen,) = state.modules.judge(x)
    head = state.modules["joint head"]
    z = torch.randn(16, LATENT, generator=torch.Generator().manual_seed(1))
    assert not torch.allclose(head(seen.features_BF, z), head(seen.features_BF, z.flip(0)))
    assert not torch.allclose(head(seen.features_BF, z), head(seen.features_BF.flip(0), z))


def test_bigan_exchanges_the_labels_for_its_encoder() -> None:
    model = BiGAN()
    state = state_of(model)
    with torch.no_grad():
        for weight in state.modules["joint head"].parameters():
            weight.zero_()
    terms, play = game_of(model, state).terms, play_of(state)
    (real,) = state.modules.judge(play.x_BCHW)  # what is left is the study's discriminator, blind to codes
    torch.testing.assert_close(terms["inference"], -(1 - torch.sigmoid(real.logits_B)).log(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("size", "features"), [(32, 4 * 2 * 8 * 8), (64, 4 * 2 * 16 * 16)])
def test_features_are_counted_without_building_the_discriminator(size: int, features: int) -> None:
    assert feature_size(Compact(width=4), ImageShape(3, size, size)) == features
