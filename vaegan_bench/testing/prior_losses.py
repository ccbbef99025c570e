"""The conformance checks of prior losses."""

from __future__ import annotations

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
from vaegan_bench.testing.verdicts import Checks, demand, seeded


def codes(dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor]:
    """μ and log variance of a posterior, and the standard normal noise of its draw, (5, 8) each."""
    noise = seeded(3)
    mu, logvar, epsilon = (torch.randn(5, 8, generator=noise, dtype=torch.float64).to(dtype) for _ in range(3))
    return mu, logvar, epsilon


def of_codes(loss: PriorLoss, mu: Tensor, logvar: Tensor, epsilon: Tensor) -> Tensor:
    """The loss of a posterior with these parameters and of the codes drawn from it."""
    return loss(Posterior(mu, logvar), mu + torch.exp(0.5 * logvar) * epsilon, seeded(6))


def is_one_value_per_image(loss: PriorLoss) -> None:
    """One finite value per image, for a batch of 1 too."""
    for n in (1, 5):
        one_value_per_example(of_codes(loss, *(part[:n] for part in codes())), n)


def sums_over_dimensions(loss: PriorLoss) -> None:
    """Twice the latent dimensions cost twice as much, a sum and not a mean, unless the loss is `of_batch`."""
    if loss.of_batch:
        return
    single = float(of_codes(loss, *codes()).mean())
    double = float(of_codes(loss, *(part.repeat(1, 2) for part in codes())).mean())
    ratio = double / single
    demand(1.5 < ratio < 2.5, f"twice the latent dimensions cost {ratio:.2f} times as much, not 2: {REDUCE}.")


def prefers_the_prior(loss: PriorLoss) -> None:
    """Posteriors far from N(0, I), by mean or variance alone, cost more: each or, if it is `of_batch`, on average.

    A variance is so far away that a dimension costs over 3 nats, and free bits do not cover that.
    """
    zero, epsilon = torch.zeros(64, 8), torch.randn(64, 8, generator=seeded(3))
    near = of_codes(loss, zero, zero, epsilon)
    for what, mu, logvar in (("means of 3", 3, 0), ("variances of e⁸", 0, 8), ("variances of e⁻⁸", 0, -8)):
        far = of_codes(loss, zero + mu, zero + logvar, epsilon)
        fewer = near.mean() < far.mean() if loss.of_batch else (near < far).all()
        demand(fewer, f"posteriors with {what} cost no more than N(0, I): is a sign wrong, or a term left out?")


def has_its_gradient(loss: PriorLoss) -> None:
    """gradcheck in float64, for μ and log σ², of which the drawn codes are functions; the encoder learns from it."""
    mu, logvar, epsilon = codes(torch.float64)
    for demanded in (gradient_reaches, gradient_is_of_the_value):
        demanded(lambda m, v: of_codes(loss, m, v, epsilon), {"mu": mu, "logvar": logvar})


def takes_the_noise_that_it_is_handed(loss: PriorLoss) -> None:
    """The same noise gives the same value."""
    first, second = (of_codes(loss, *codes()) for _ in range(2))
    demand(torch.equal(first, second), "the same noise gives another value: draw from the generator it is handed.")


def is_pure(loss: PriorLoss) -> None:
    """Unchanged inputs, nearly equal under autocast and, unless it is `of_batch`, equal in any order of the batch."""
    for check in (repeats, survives_autocast, *(() if loss.of_batch else (order_does_not_matter,))):
        check(lambda *parts: of_codes(loss, *parts), *codes())


CHECKS: Checks = {
    PriorLoss: (
        is_one_value_per_image,
        sums_over_dimensions,
        prefers_the_prior,
        takes_the_noise_that_it_is_handed,
        is_pure,
        has_its_gradient,
    ),
}
