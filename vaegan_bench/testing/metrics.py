"""What every metric must do: prefer real images to noise, repeat itself, and know models without an encoder."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import torch
from torch import Tensor

from vaegan_bench.api import Measurement, Metric, Posterior, Split
from vaegan_bench.system.errors import FAILURES, reason_of
from vaegan_bench.testing.verdicts import demand, seeded, unchanged, untouched_randomness
from vaegan_bench.testing.worlds import StandInNetwork, StandInOutputs, data_of

N, SIZE = 240, 32
NAMES = ("Smiling", "Eyeglasses", "Hat", "Beard")
"""The attributes of a world in which each is the brightness of a quadrant, and a coordinate of the code."""
DIRECTIONS = ("higher", "lower", "none")


def codes(seed: int) -> tuple[Tensor, Tensor]:
    """Attributes (N, 4) and codes that say them clearly, (N, 4)."""
    noise = seeded(seed)
    on_NA = torch.rand(N, len(NAMES), generator=noise) < 0.4
    return on_NA, torch.where(on_NA, 1.0, -1.0) + 0.2 * torch.randn(on_NA.shape, generator=noise)


def decode(z_NZ: Tensor) -> Tensor:
    """The image of each code: a quadrant per coordinate, over a fixed texture; (N, 3, 32, 32) uint8."""
    texture = torch.rand(3, SIZE, SIZE, generator=seeded(9)) * 40 - 20
    quadrants = z_NZ.reshape(-1, 1, 2, 2).repeat_interleave(SIZE // 2, 2).repeat_interleave(SIZE // 2, 3)
    return (127.5 + 60 * quadrants + texture).round().clamp(0, 255).to(torch.uint8)


def brightness(images_NCHW: Tensor) -> Tensor:
    """What each quadrant says of its attribute; (N, 4)."""
    return torch.nn.functional.avg_pool2d(images_NCHW.float().mean(1), SIZE // 2).flatten(1) - 127.5


def coarse(images_NCHW: Tensor) -> Tensor:
    """Features: brightness by places and its spread; (N, 32)."""
    grey = images_NCHW.float().mean(1)
    means = torch.nn.functional.avg_pool2d(grey, SIZE // 4).flatten(1)
    spread = torch.nn.functional.avg_pool2d(grey.square(), SIZE // 4).flatten(1) - means.square()
    return torch.cat([means, spread.clamp(min=0).sqrt()], dim=1)


def static(n: int, seed: int) -> Tensor:
    """Images of nothing; (n, 3, 32, 32) uint8."""
    return torch.randint(0, 256, (n, 3, SIZE, SIZE), generator=seeded(seed), dtype=torch.uint8)


@cache
def real_world() -> StandInOutputs:
    """What a perfect model would make: other images of the same kind, and nearly perfect reconstructions."""
    (trained_on, train_z), (tested_on, z), (_, sampled_z) = (codes(seed) for seed in (0, 1, 2))
    train, images = decode(train_z), decode(z)
    data = replace(data_of(train, trained_on, NAMES), test=Split(images, tested_on), digest="quadrants")
    network = StandInNetwork(coarse, brightness, columns=NAMES)
    nearly = (images.int() + torch.randint(-2, 3, images.shape, generator=seeded(3))).clamp(0, 255).to(torch.uint8)
    posterior = Posterior(z, torch.full_like(z, -3.0))
    return StandInOutputs(
        data, images, decode(sampled_z), network, nearly, z, train_z, decode, posterior=posterior, latent=len(NAMES)
    )


@cache
def noise_world() -> StandInOutputs:
    """What a model makes that has learned nothing: noise, whatever it is asked for."""
    noise = seeded(4)
    mu, train_means = (torch.randn(N, len(NAMES), generator=noise) for _ in range(2))
    return replace(
        real_world(), samples=static(N, 5), reconstructions=static(N, 6), means=mu, train_means=train_means,
        decoder=lambda z: static(len(z), 7), posterior=Posterior(mu, torch.zeros_like(mu)),
    )  # fmt: skip


def numbers_are_well_formed(metric: Metric) -> None:
    """Each number has a name of its own, a value, a direction and units, and intervals hold their values."""
    rows = metric(real_world())
    names = [(row.metric, row.attribute) for row in rows]
    twice = sorted({name for name in names if names.count(name) > 1})
    demand(not twice, f"gives {twice[0] if twice else ''} twice: each number needs a name of its own.")
    for row in rows:
        demand(isinstance(row, Measurement), f"returns {type(row).__name__}, not Measurement.")
        demand(row.direction in DIRECTIONS, f"'{row.metric}' has the direction '{row.direction}': {DIRECTIONS}.")
        demand(
            isinstance(row.value, int | float),
            f"'{row.metric}' is a {type(row.value).__name__}: make it a number of Python's, as with float(value).",
        )
        demand(math.isfinite(row.value), f"'{row.metric}' is {row.value} on ordinary images.")
        if row.low is not None and row.high is not None:
            demand(row.low <= row.value <= row.high, f"the interval of '{row.metric}' does not hold its value.")


@cache
def copying_world() -> StandInOutputs:
    """What a model makes that has learned one training image by heart."""
    world = real_world()
    return replace(world, samples=world.train[:1].expand_as(world.samples).clone())


def real_images_are_preferred(metric: Metric) -> None:
    """In the stated direction, a perfect model beats noise, or copies of one training image, in every number."""
    gains = [list(gains_over(metric, world)) for world in (noise_world(), copying_world())]
    if any(gains):
        demand(
            any(told and min(told) >= 0 and max(told) > 0 for told in gains),
            "prefers noise, and copies of one training image, to real images, or cannot tell them apart: is a "
            "direction wrong?",
        )


def gains_over(metric: Metric, world: StandInOutputs) -> Iterator[float]:
    """By how much each number that has a direction is better in the real world than in another one."""
    bad = {(row.metric, row.attribute): row for row in metric(world)}
    for good in (row for row in metric(real_world()) if row.direction != "none"):
        if (good.metric, good.attribute) in bad:
            sign = 1 if good.direction == "higher" else -1
            yield sign * (good.value - bad[good.metric, good.attribute].value)


def measuring_repeats(metric: Metric) -> None:
    """Equal numbers on repeat; outputs and global randomness are left alone."""
    world = real_world()
    images = {"real": world.real, "samples": world.samples, "reconstructions": world.reconstructions}
    with untouched_randomness(), unchanged(**images):
        first, second = metric(world), metric(world)
    demand(first == second, "gives other numbers the second time: seed its randomness.")


def models_without_an_encoder_are_known(metric: Metric) -> None:
    """For a GAN, which has no reconstructions and no codes, it measures what there is, or returns nothing."""
    gan = replace(real_world(), reconstructions=None, means=None, train_means=None, posterior=None)
    try:
        metric(gan)
    except FAILURES as error:
        demand(False, f"raises {reason_of(error)} for a model without an encoder: return an empty list.")


def checks() -> Iterator[tuple[type, tuple[Callable[..., None], ...]]]:
    """Kind → its checks, in the order in which they are told."""
    yield (
        Metric,
        (
            numbers_are_well_formed,
            real_images_are_preferred,
            measuring_repeats,
            models_without_an_encoder_are_known,
        ),
    )
