"""Checks of the values of any loss: one per example, repeatable, and with the right gradient."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from vaegan_bench.testing.verdicts import demand, seeded, unchanged, untouched_randomness

REDUCE = "sum over all dimensions but the first, and leave the mean over the batch to the harness"
FLOAT32_STEP, FLOAT32_TOLERANCE = 1e-2, 0.1
"""For losses that compute in float32 for inputs of any type, such as those on a pretrained network's features."""

Values = Callable[..., Tensor]


def one_value_per_example(value: Tensor, n: int, what: str = "the loss") -> None:
    """Demand one finite value for each of `n` examples, (n,)."""
    shape = tuple(value.shape)
    demand(shape == (n,), f"{what} has the shape {shape} for {n} examples, not ({n},): {REDUCE}.")
    demand(value.isfinite().all(), f"{what} is not finite on ordinary inputs.")


def order_does_not_matter(values: Values, *inputs: Tensor) -> None:
    """Demand that permuting the examples permutes the values."""
    order = torch.randperm(len(inputs[0]), generator=seeded(1))
    plain, permuted = values(*inputs), values(*(x[order] for x in inputs))
    if plain.shape != order.shape:  # another check reports the wrong shape
        return
    demand(
        torch.allclose(permuted, plain[order], rtol=1e-4, atol=1e-5 * float(plain.abs().max())),
        "the value of an example changes with its place in the batch: compute each example's value from that example.",
    )


def repeats(values: Values, *inputs: Tensor) -> None:
    """Demand the same values twice, unchanged inputs, and no global randomness."""
    named = {f"number {i + 1}": x for i, x in enumerate(inputs)}
    with untouched_randomness(), unchanged(**named):
        first, second = values(*inputs), values(*inputs)
    demand(
        torch.equal(first, second),
        "the same inputs give another value the second time: is there unseeded noise, or something that it remembers "
        "from call to call?",
    )


def gradient_reaches(values: Values, inputs: Mapping[str, Tensor]) -> None:
    """Demand that a finite gradient reaches each of the named inputs."""
    leaves = [x.detach().clone().requires_grad_() for x in inputs.values()]
    value = values(*leaves).sum()
    given = (
        torch.autograd.grad(value, leaves, materialize_grads=True)
        if value.requires_grad
        else [torch.zeros_like(x) for x in leaves]
    )
    for name, gradient in zip(inputs, given, strict=True):
        demand(
            bool(gradient.any()),
            f"no gradient reaches {name}: is something detached, rounded, or taken out of the graph with .item()?",
        )
        demand(bool(gradient.isfinite().all()), f"the gradient with respect to {name} is not finite.")


def gradient_is_of_the_value(values: Values, inputs: Mapping[str, Tensor]) -> None:
    """Demand that the gradient is the derivative of the value, by finite differences."""
    leaves = [x.detach().clone().requires_grad_() for x in inputs.values()]
    exact = values(*leaves).dtype == torch.float64
    agrees = _agrees_in_float64(values, leaves) if exact else _agrees_roughly(values, leaves)
    names = " and ".join(inputs)
    demand(agrees, f"the gradient with respect to {names} is not that of the value (finite differences).")


def _agrees_in_float64(values: Values, leaves: list[Tensor]) -> bool:
    return torch.autograd.gradcheck(values, leaves, atol=1e-5, rtol=1e-4, fast_mode=True, raise_exception=False)


def _agrees_roughly(values: Values, leaves: list[Tensor]) -> bool:
    """Compare in float32 along the gradient itself, where the difference is largest."""
    gradients = torch.autograd.grad(values(*leaves).sum(), leaves)
    norm = torch.stack([g.square().sum() for g in gradients]).sum().sqrt()
    ahead, behind = (
        values(*(x.detach() + sign * FLOAT32_STEP * g / norm for x, g in zip(leaves, gradients, strict=True))).sum()
        for sign in (1, -1)
    )
    found = float(ahead - behind) / (2 * FLOAT32_STEP)
    return abs(found - float(norm)) <= FLOAT32_TOLERANCE * float(norm)


def survives_autocast(values: Values, *inputs: Tensor) -> None:
    """Demand nearly the same values under bfloat16 autocast."""
    plain = values(*inputs)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = values(*inputs).float()
    scale = float(plain.abs().mean()) + 1e-6
    demand(
        bool(rounded.isfinite().all()) and float((rounded - plain).abs().max()) < 0.1 * scale,
        "under bfloat16 autocast the value is off by more than a tenth: convert to float32 before products and sums.",
    )
