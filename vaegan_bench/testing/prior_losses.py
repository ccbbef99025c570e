"""What every prior loss must do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from vaegan_bench.api import Posterior, PriorLoss
from vaegan_bench.testing.values import (
    REDUCE,
    gradient_is_of_the_value,
    gradient_reaches,
    one_value_per_example,
    order_does_not_matter,
    repeats,
    survives_autocast,
)
from vaegan_bench.testing.verdicts import demand, seeded


def codes(dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """μ and log variance of a posterior, (5, 8) each."""
    noise = seeded(3)
    mu, logvar = (torch.randn(5, 8, generator=noise, dtype=torch.float64).to(dtype) for _ in range(2))
    return mu, logvar


def of_codes(loss: PriorLoss, mu: Tensor, logvar: Tensor) -> Tensor:
    """The loss of a posterior's parameters."""
    return loss(Posterior(mu, logvar))


def is_one_value_per_image(loss: PriorLoss) -> None:
    """One finite value per image, for a batch of 1 too."""
    mu, logvar = codes()
    for n in (1, 5):
        one_value_per_example(of_codes(loss, mu[:n], logvar[:n]), n)


def sums_over_dimensions(loss: PriorLoss) -> None:
    """Twice the latent dimensions cost twice as much: a sum, not a mean."""
    mu, logvar = codes()
    single = float(of_codes(loss, mu, logvar).mean())
    double = float(of_codes(loss, mu.repeat(1, 2), logvar.repeat(1, 2)).mean())
    ratio = double / single
    demand(1.5 < ratio < 2.5, f"twice the latent dimensions cost {ratio:.2f} times as much, not 2: {REDUCE}.")


def prefers_the_prior(loss: PriorLoss) -> None:
    """A posterior far from N(0, I) costs more than N(0, I)."""
    zero = torch.zeros(5, 8)
    near, far = of_codes(loss, zero, zero), of_codes(loss, zero + 3, zero - 3)
    demand((near < far).all(), "a posterior far from N(0, I) costs less than N(0, I) itself: is the sign wrong?")


def has_its_gradient(loss: PriorLoss) -> None:
    """gradcheck in float64, for μ; the encoder learns from it."""
    mu, logvar = codes(torch.float64)
    for demanded in (gradient_reaches, gradient_is_of_the_value):
        demanded(lambda m: of_codes(loss, m, logvar), {"mu": mu})


def is_pure(loss: PriorLoss) -> None:
    """Equal on repeat, in any order of the batch, with unchanged inputs, under autocast."""
    for check in (repeats, order_does_not_matter, survives_autocast):
        check(lambda m, v: of_codes(loss, m, v), *codes())


def checks() -> Iterator[tuple[type, tuple[Callable[..., None], ...]]]:
    """Kind → its checks, in the order in which they run."""
    yield (
        PriorLoss,
        (
            is_one_value_per_image,
            sums_over_dimensions,
            prefers_the_prior,
            is_pure,
            has_its_gradient,
        ),
    )
