"""The conformance checks of reconstruction losses."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from vaegan_bench.api import Prediction, ReconstructionLoss
from vaegan_bench.registry.plugins import plugins_within
from vaegan_bench.testing.places import Place, agrees_with_the_cpu
from vaegan_bench.testing.small_game import gradients
from vaegan_bench.testing.values import (
    REDUCE,
    gradient_is_of_the_value,
    gradient_reaches,
    one_value_per_example,
    order_does_not_matter,
    repeats,
    survives_autocast,
)
from vaegan_bench.testing.verdicts import Checks, demand, seeded, unchanged

SHAPES = ((1, 32, 32), (3, 32, 32), (1, 64, 64), (3, 64, 64))


def losses_within(loss: ReconstructionLoss) -> Iterator[ReconstructionLoss]:
    """A loss and those in its fields, to which it may hand what it is given."""
    return (part for part in plugins_within(loss) if isinstance(part, ReconstructionLoss))


def scale_of(loss: ReconstructionLoss) -> str:
    """Where a loss, or one in its fields, gets its σ from: 'learned', 'predicted', or 'fixed' where none has one."""
    scales = {part.scale for part in losses_within(loss)}
    return next((scale for scale in ("learned", "predicted") if scale in scales), "fixed")


def images(
    loss: ReconstructionLoss, shape: tuple[int, ...] = (3, 32, 32), n: int = 4, dtype: torch.dtype = torch.float32
) -> tuple[Tensor, Tensor, Tensor]:
    """Logits, log σ and targets in (-1, 1)."""
    noise = seeded()
    logits, target = (torch.randn(n, *shape, generator=noise, dtype=torch.float64).to(dtype) for _ in range(2))
    learned = torch.full((), -0.3, dtype=dtype)
    log_sigma = 0.1 * torch.randn(n, *shape, generator=noise, dtype=torch.float64).to(dtype)
    return logits, learned if scale_of(loss) == "learned" else log_sigma, (0.7 * target).tanh()


def of_images(loss: ReconstructionLoss, logits: Tensor, log_sigma: Tensor, target: Tensor) -> Tensor:
    """The loss of images that are predicted by a decoder's logits."""
    return loss(Prediction(logits.tanh(), None if scale_of(loss) == "fixed" else log_sigma, logits), target)


def is_one_value_per_image(loss: ReconstructionLoss) -> None:
    """One finite value per image or vector of features: 1 and 3 channels, 32 and 64 pixels, a batch of 1."""
    for shape in SHAPES:
        for n in (1, 4):
            one_value_per_example(of_images(loss, *images(loss, shape, n)), n)
    if not loss.pixels_only:
        one_value_per_example(loss(*features(loss)), 4, "the loss of features")


def features(loss: ReconstructionLoss) -> tuple[Prediction, Tensor]:
    """Predicted and true features of four images."""
    noise = seeded(2)
    predicted, true = (torch.randn(4, 20, generator=noise) for _ in range(2))
    return Prediction(predicted, torch.zeros(()) if scale_of(loss) == "learned" else None), true


def sums_over_dimensions(loss: ReconstructionLoss) -> None:
    """Four tiles of an image cost four times as much as one: a sum over dimensions, not a mean."""
    logits, log_sigma, target = images(loss)
    costs = []
    for tiles in (1, 2):
        tiled = [x.repeat(1, 1, tiles, tiles) if x.ndim == 4 else x for x in (logits, log_sigma, target)]
        best = of_images(loss, _logits_of(tiled[2]), *tiled[1:])
        costs.append(float((of_images(loss, *tiled) - best).mean()))
    ratio = costs[1] / costs[0]
    demand(2.5 < ratio < 6, f"four tiles of an image cost {ratio:.2f} times as much as one, not about 4: {REDUCE}.")


def _logits_of(target: Tensor) -> Tensor:
    return target.atanh()


def prefers_the_target(loss: ReconstructionLoss) -> None:
    """A perfect prediction costs less than noise, and less than the target with half or twice its contrast."""
    logits, log_sigma, target = images(loss)
    perfect = of_images(loss, _logits_of(target), log_sigma, target)
    noise = of_images(loss, logits, log_sigma, target)
    demand((perfect < noise).all(), "a perfect prediction costs more than noise: is the sign wrong?")
    for factor, contrast in ((0.5, "half"), (2.0, "twice")):
        other = of_images(loss, factor * _logits_of(target), log_sigma, target)
        demand(
            (perfect < other).all(),
            f"a perfect prediction costs more than one with {contrast} the target's contrast: are prediction and "
            "target exchanged?",
        )


def is_that_of_the_cpu(loss: ReconstructionLoss) -> None:
    """For images that are channels last, and on a GPU if there is one, value and gradient are those of the CPU."""
    agrees_with_the_cpu(partial(_value_and_gradient_at, loss))


def _value_and_gradient_at(loss: ReconstructionLoss, place: Place) -> dict[str, Tensor]:
    logits, log_sigma, target = (place.take(x) for x in images(loss))
    value = of_images(loss, logits.requires_grad_(), log_sigma, target)
    (gradient,) = gradients(value, [logits])
    return {"the value": value.detach()} | ({} if gradient is None else {"the gradient of the prediction": gradient})


def has_its_gradient(loss: ReconstructionLoss) -> None:
    """gradcheck in float64, for the decoder's output and for σ where the loss has one."""
    logits, log_sigma, target = images(loss, (3, 16, 16), n=2, dtype=torch.float64)
    inputs = {"the prediction": logits} | ({} if scale_of(loss) == "fixed" else {"log_sigma": log_sigma})

    def values(guess: Tensor, sigma: Tensor = log_sigma) -> Tensor:
        return of_images(loss, guess, sigma, target)

    gradient_reaches(values, inputs)
    if not any(part.surrogate for part in losses_within(loss)):
        gradient_is_of_the_value(values, inputs)


def is_pure(loss: ReconstructionLoss) -> None:
    """Equal on repeat, in any order of the batch, with unchanged inputs, under autocast."""
    logits, log_sigma, target = images(loss)
    prediction = Prediction(logits.tanh(), None if scale_of(loss) == "fixed" else log_sigma, logits)
    with unchanged(mean=prediction.mean, log_sigma=prediction.log_sigma, logits=logits, target=target):
        loss(prediction, target)
    inputs = (logits, log_sigma.expand_as(logits), target)
    repeats(lambda *x: of_images(loss, *x), *inputs)
    order_does_not_matter(lambda *x: of_images(loss, *x), *inputs)
    survives_autocast(lambda *x: of_images(loss, *x), *inputs)


def is_the_density_that_it_declares(loss: ReconstructionLoss) -> None:
    """With `density`, exp(−loss) integrates to 1 over the target: a likelihood, not just a cost."""
    if loss.density:
        grid = torch.linspace(-80, 80, 320_001, dtype=torch.float64)[:, None, None, None]
        mean, log_sigma = torch.full_like(grid, 0.3), None if scale_of(loss) == "fixed" else torch.full_like(grid, -0.3)
        total = float(torch.exp(-loss(Prediction(mean, log_sigma, mean.atanh()), grid)).sum()) * 160 / 320_000
        demand(
            abs(total - 1) < 1e-3,
            f"declares density = True, and exp(−loss) integrates to {total:.3g} over the target, not to 1.",
        )


CHECKS: Checks = {
    ReconstructionLoss: (
        is_one_value_per_image,
        sums_over_dimensions,
        prefers_the_target,
        is_pure,
        has_its_gradient,
        is_that_of_the_cpu,
        is_the_density_that_it_declares,
    ),
}
