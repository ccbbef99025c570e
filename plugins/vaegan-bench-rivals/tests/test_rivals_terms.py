"""The terms of the rivals that draw a code and fakes, from hand-written networks and the formulas of their papers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import SimpleNamespace

import pytest
import torch
from by_hand import IMAGES, LATENT, SEED, B, Discriminator, critic_slope, networks, play, uneven
from torch import Tensor, nn
from vaegan_bench_rivals.alpha_gan import AlphaGAN
from vaegan_bench_rivals.bigan import BiGAN
from vaegan_bench_rivals.sngan import SNGAN
from vaegan_bench_rivals.wae_gan import WAEGAN
from vaegan_bench_rivals.wgan_gp import WGANGP

from vaegan_bench.api import Model, Modules

Terms = Mapping[str, Tensor]


class OfCodes(nn.Module):
    """A discriminator of codes that is a known function of them."""

    def forward(self, z: Tensor) -> Tensor:
        return z @ torch.tensor([0.5, -1.0, 0.3]) + z[:, 0] * z[:, 1]


class OfBoth(nn.Module):
    """A joint head that is a known function of features and codes."""

    def forward(self, features: Tensor, z: Tensor) -> Tensor:
        return features[:, 0] * z[:, 1] - z[:, 2]


def modules_of() -> Modules:
    return Modules({**networks(), "code discriminator": OfCodes(), "joint head": OfBoth()})


def step(model: Model, modules: Modules) -> SimpleNamespace:
    """Codes, images and logits of one step: the noise of the code first where it takes any, then codes of the prior."""
    noise = torch.Generator().manual_seed(SEED)
    s = SimpleNamespace()
    mu, logvar = modules["encoder"](IMAGES)
    drawn = getattr(model, "encoder", None) == "gaussian"
    s.z = mu + (0.5 * logvar).exp() * torch.randn(B, LATENT, generator=noise) if drawn else mu
    s.z_prior = torch.randn(B, LATENT, generator=noise)
    s.rec, s.prior = (modules["decoder"](z).tanh() for z in (s.z, s.z_prior))
    s.mix = torch.rand(B, 1, 1, 1, generator=noise)
    return s


def judged(modules: Modules, *batches: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Logits and features of several batches that are judged together."""
    logits, features = modules["discriminator"](torch.cat(batches))
    return list(zip(logits.split(B), features.flatten(1).split(B), strict=True))


def log_p(logits: Tensor) -> Tensor:
    return torch.log(torch.sigmoid(logits))


def wgan_gp(m: Modules, s: SimpleNamespace) -> Terms:
    (real, _), (fake, _) = judged(m, IMAGES, s.prior)
    between = IMAGES + s.mix * (s.prior - IMAGES)
    return {
        "discriminator": fake - real,
        "generator": -fake,
        "regulariser": 10 * (critic_slope(m, between).norm(dim=1) - 1).square(),
    }


def sngan(m: Modules, s: SimpleNamespace) -> Terms:
    (real, _), (fake, _) = judged(m, IMAGES, s.prior)
    return {"discriminator": (1 - real).clamp(min=0) + (1 + fake).clamp(min=0), "generator": -fake}


def alpha_gan(m: Modules, s: SimpleNamespace) -> Terms:
    (real, _), (rec, _), (fake, _) = judged(m, IMAGES, s.rec, s.prior)
    of_codes = m["code discriminator"]
    return {
        "reconstruction": (IMAGES - s.rec).abs().flatten(1).sum(1) + 6 * math.log(2),
        "prior": -log_p(of_codes(s.z)) + log_p(-of_codes(s.z)),
        "generator": -log_p(rec) + log_p(-rec) - log_p(fake) + log_p(-fake),
        "discriminator": -log_p(real) - log_p(-rec) - log_p(-fake),
        "code discriminator": -log_p(of_codes(s.z_prior)) - log_p(-of_codes(s.z)),
    }


def wae_gan(m: Modules, s: SimpleNamespace) -> Terms:
    of_codes = m["code discriminator"]
    return {
        "reconstruction": (IMAGES - s.rec).square().flatten(1).sum(1) + 6 * 0.5 * math.log(math.pi),
        "prior": -log_p(of_codes(s.z)),
        "code discriminator": -log_p(of_codes(s.z_prior)) - log_p(-of_codes(s.z)),
    }


def bigan(m: Modules, s: SimpleNamespace) -> Terms:
    (of_image, features), (of_fake, features_fake) = judged(m, IMAGES, s.prior)
    real = of_image + m["joint head"](features, s.z)
    fake = of_fake + m["joint head"](features_fake, s.z_prior)
    return {
        "generator": -log_p(fake),
        "inference": -log_p(-real),
        "discriminator": -log_p(real) - log_p(-fake),
    }


ROWS: list[tuple[Model, Callable[[Modules, SimpleNamespace], Terms]]] = [
    (WGANGP(), wgan_gp),
    (SNGAN(), sngan),
    (AlphaGAN(), alpha_gan),
    (AlphaGAN(encoder="gaussian"), alpha_gan),
    (WAEGAN(), wae_gan),
    (WAEGAN(encoder="gaussian"), wae_gan),
    (BiGAN(), bigan),
    (BiGAN(encoder="gaussian"), bigan),
]


@pytest.mark.parametrize(("model", "stated"), ROWS, ids=lambda value: str(value) if isinstance(value, Model) else "")
def test_terms_are_those_of_the_paper(model: Model, stated: Callable[[Modules, SimpleNamespace], Terms]) -> None:
    modules = modules_of()
    game, expected = model.objectives(play(modules)), stated(modules, step(model, modules))
    assert set(game.terms) == set(expected)
    for name, term in game.terms.items():
        torch.testing.assert_close(term, expected[name], rtol=1e-4, atol=1e-4, msg=lambda m, name=name: f"{name}: {m}")


class OfPatches(nn.Module):
    """A discriminator with two verdicts on each image, which differ."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        logits, features = Discriminator()(x)
        return torch.stack([logits, 3 - 2 * logits], dim=1), features


@pytest.mark.parametrize(("model", "stated"), [(SNGAN(), sngan), (AlphaGAN(), alpha_gan)], ids=["sngan", "alpha-gan"])
def test_a_discriminator_pays_for_each_patch(model: Model, stated: Callable[[Modules, SimpleNamespace], Terms]) -> None:
    modules = Modules({**networks(), "discriminator": OfPatches(), "code discriminator": OfCodes()})
    game, expected = model.objectives(play(modules)), stated(modules, step(model, modules))
    torch.testing.assert_close(game.terms["discriminator"], expected["discriminator"].flatten())
    torch.testing.assert_close(game.terms["generator"].mean(), expected["generator"].sum() / (2 * B))


def test_the_hand_written_discriminator_tells_all_batches_apart() -> None:
    """Or exchanged batches would go unnoticed."""
    logits, _ = Discriminator()(torch.cat([IMAGES, uneven(B, 1, 2, 3, seed=9)]))
    assert len(set(logits.tolist())) == 2 * B
