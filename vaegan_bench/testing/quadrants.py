"""A world in which each attribute is the brightness of a quadrant, with the outputs of good and bad models."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import torch
from torch import Tensor

from vaegan_bench.api import Posterior, Split
from vaegan_bench.testing.verdicts import seeded
from vaegan_bench.testing.worlds import StandInNetwork, StandInOutputs, attribute_codes, data_of, gaussian_around

N, SIZE = 240, 32
NAMES = ("Smiling", "Eyeglasses", "Hat", "Beard")
"""The attributes of this world; each is a coordinate of the code, too."""


def decode(z_NZ: Tensor) -> Tensor:
    """The image of each code: a quadrant per coordinate, over a fixed texture; (N, 3, 32, 32) uint8."""
    texture = torch.rand(3, SIZE, SIZE, generator=seeded(9)) * 40 - 20
    quadrants = z_NZ.reshape(-1, 1, 2, 2).repeat_interleave(SIZE // 2, 2).repeat_interleave(SIZE // 2, 3)
    return (127.5 + 60 * quadrants + texture).round().clamp(0, 255).to(torch.uint8)


def brightness(images_NCHW: Tensor) -> Tensor:
    """The brightness of each quadrant, the logit of its attribute; (N, 4)."""
    return torch.nn.functional.avg_pool2d(images_NCHW.float().mean(1), SIZE // 2).flatten(1) - 127.5


def coarse(images_NCHW: Tensor) -> Tensor:
    """Features: the mean and the standard deviation of brightness in each cell of a grid; (N, 32)."""
    grey = images_NCHW.float().mean(1)
    means = torch.nn.functional.avg_pool2d(grey, SIZE // 4).flatten(1)
    spread = torch.nn.functional.avg_pool2d(grey.square(), SIZE // 4).flatten(1) - means.square()
    return torch.cat([means, spread.clamp(min=0).sqrt()], dim=1)


def static(n: int, seed: int) -> Tensor:
    """Images of uniform noise; (n, 3, 32, 32) uint8."""
    return torch.randint(0, 256, (n, 3, SIZE, SIZE), generator=seeded(seed), dtype=torch.uint8)


def anything(z_NZ: Tensor) -> Tensor:
    """A decoder that ignores its codes, and gives noise."""
    return static(len(z_NZ), 7)


@cache
def real_world() -> StandInOutputs:
    """The outputs of a perfect model: other images of the same kind, and nearly perfect reconstructions."""
    (trained_on, train_z), (tested_on, z), (_, sampled_z) = (attribute_codes(N, NAMES, seed) for seed in (0, 1, 2))
    train, images = decode(train_z), decode(z)
    data = replace(data_of(train, trained_on, NAMES), test=Split(images, tested_on), digest="quadrants")
    network = StandInNetwork(coarse, brightness, columns=NAMES)
    nearly = (images.int() + torch.randint(-2, 3, images.shape, generator=seeded(3))).clamp(0, 255).to(torch.uint8)
    posterior, train_posterior = (Posterior(means, torch.full_like(means, -3.0)) for means in (z, train_z))
    return StandInOutputs(
        data, images, decode(sampled_z), network, nearly, z, train_z, decode, posterior=posterior, latent=len(NAMES),
        train_posterior=train_posterior, likelihood=gaussian_around(decode),
    )  # fmt: skip


@cache
def noise_world() -> StandInOutputs:
    """The outputs of a model that has learned nothing: all of them are noise."""
    noise = seeded(4)
    mu, train_means = (torch.randn(N, len(NAMES), generator=noise) for _ in range(2))
    return replace(
        real_world(), samples=static(N, 5), reconstructions=static(N, 6), means=mu, train_means=train_means,
        decoder=anything, likelihood=gaussian_around(anything), posterior=Posterior(mu, torch.zeros_like(mu)),
        train_posterior=Posterior(train_means, torch.zeros_like(mu)),
    )  # fmt: skip


@cache
def copying_world() -> StandInOutputs:
    """The outputs of a model whose samples all repeat one training image."""
    world = real_world()
    return replace(world, samples=world.train[:1].expand_as(world.samples).clone())
