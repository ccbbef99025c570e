"""The conformance checks of adversarial losses."""

from __future__ import annotations

import torch
from torch import Tensor

from vaegan_bench.api import AdversarialLoss
from vaegan_bench.testing.values import (
    gradient_is_of_the_value,
    gradient_reaches,
    one_value_per_example,
    order_does_not_matter,
    repeats,
    survives_autocast,
)
from vaegan_bench.testing.verdicts import Checks, demand, seeded


def logits(dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor]:
    """The logits of a batch of real images and of two batches of fakes; (6,) each."""
    noise = seeded(4)
    real, fake, other = (0.5 * torch.randn(6, generator=noise, dtype=torch.float64).to(dtype) for _ in range(3))
    return real, fake, other


def is_one_value_per_image(loss: AdversarialLoss) -> None:
    """One finite value per image for either side, for one batch of fakes and for two, and for a batch of 1."""
    real, *fakes = logits()
    for n in (1, 6):
        for shown in (fakes[:1], fakes):
            versus = loss(real[:n], [fake[:n] for fake in shown])
            one_value_per_example(versus.discriminator_V, n, "the discriminator's cost")
            one_value_per_example(versus.generator_V, n, "the generator's cost")


def has_its_signs(loss: AdversarialLoss) -> None:
    """By finite differences: the discriminator raises real and lowers fake scores, the generator raises fake ones.

    The generator's cost need not depend on real scores. Where it does, it must not fall when they rise.
    """
    at = torch.full((4,), 0.5)
    step = 0.05

    def change(real: float, fake: float) -> tuple[float, float]:
        above, below = (loss(at + sign * real, [at + sign * fake]) for sign in (1, -1))
        return tuple(float((a - b).mean()) for a, b in zip(above, below, strict=True))  # type: ignore[return-value]

    (by_real, generator_by_real), (by_fake, generator) = change(step, 0), change(0, step)
    demand(by_real < 0, "the discriminator's cost must fall when real images score higher: its sign is wrong.")
    demand(by_fake > 0, "the discriminator's cost must rise when fakes score higher: its sign is wrong.")
    demand(
        generator < 0,
        "the generator's cost must fall when fakes score higher, against the discriminator's: its sign is wrong.",
    )
    demand(
        generator_by_real >= 0,
        "the generator's cost must not fall when real images score higher, as the discriminator wants: its sign is "
        "wrong.",
    )


def counts_every_fake(loss: AdversarialLoss) -> None:
    """Both sides depend on every batch of fakes that they are shown."""
    leaves = [x.requires_grad_() for x in logits()]
    versus = loss(leaves[0], leaves[1:])
    for side, cost in zip(("discriminator", "generator"), versus, strict=True):
        gradients = torch.autograd.grad(cost.sum(), leaves[1:], retain_graph=True, allow_unused=True)
        demand(
            all(g is not None and bool(g.abs().max() > 0) for g in gradients),
            f"the {side}'s cost ignores one of two batches of fakes, or is detached from it: sum over all of them.",
        )


def has_its_gradient(loss: AdversarialLoss) -> None:
    """gradcheck in float64 for both sides, of fake and real logits; the generator's cost may leave real ones out."""
    real, *fakes = logits(torch.float64)
    of_real = {"the real logits": real}
    of_fakes = {"the logits of fakes": fakes[0], "the logits of other fakes": fakes[1]}
    for demanded in (gradient_reaches, gradient_is_of_the_value):
        for side in (0, 1):
            demanded(lambda *fake, side=side: loss(real, fake)[side], of_fakes)
        demanded(lambda r: loss(r, fakes).discriminator_V, of_real)
    gradient_is_of_the_value(lambda r: loss(r, fakes).generator_V + 0 * r, of_real)


def is_pure(loss: AdversarialLoss) -> None:
    """Equal on repeat, in any order of the batch, with unchanged inputs, under autocast."""
    for check in (repeats, order_does_not_matter, survives_autocast):
        for side in (0, 1):
            check(lambda r, *f, side=side: loss(r, f)[side], *logits())


CHECKS: Checks = {
    AdversarialLoss: (
        is_one_value_per_image,
        has_its_signs,
        counts_every_fake,
        is_pure,
        has_its_gradient,
    ),
}
