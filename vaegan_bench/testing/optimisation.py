"""The conformance checks of optimizers, schedules and adaptive weights."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import replace

import torch
from torch import nn

from vaegan_bench.api import AdaptiveWeight, Optimizer, Schedule
from vaegan_bench.api.plugin import fields_of
from vaegan_bench.testing.verdicts import Checks, demand, seeded
from vaegan_bench.training.snapshots import pack, unpack

STEPS = 200


def bowl(optimizer: Optimizer) -> tuple[nn.Parameter, torch.optim.Optimizer]:
    """A weight that is to be moved to 0, and its torch optimizer."""
    weight = nn.Parameter(torch.randn(8, 4, generator=seeded()))
    return weight, optimizer.build([{"params": [weight], "weight_decay": 0.0}])


def descend(weight: nn.Parameter, mover: torch.optim.Optimizer, steps: int) -> None:
    """Take steps down the bowl ½‖w‖²."""
    for _ in range(steps):
        weight.grad = weight.detach().clone()
        mover.step()


def goes_down(optimizer: Optimizer) -> None:
    """It lowers ½‖w‖²."""
    weight, mover = bowl(optimizer)
    before = float(weight.detach().norm())
    descend(weight, mover, STEPS)
    demand(float(weight.detach().norm()) < before, f"after {STEPS} steps ½‖w‖² is no lower: does it climb?")


def uses_the_learning_rate(optimizer: Optimizer) -> None:
    """It uses the 'lr' that the harness sets in its groups at every step: with 0, no weight moves."""
    weight, mover = bowl(optimizer)
    before = weight.detach().clone()
    for group in mover.param_groups:
        group["lr"] = 0.0
    descend(weight, mover, 3)
    demand(torch.equal(weight.detach(), before), "moves weights at learning rate 0: read 'lr' from its groups.")


def keeps_its_groups(optimizer: Optimizer) -> None:
    """It has the groups that it is given, with their own weight decay and pace."""
    weights = [nn.Parameter(torch.randn(3, generator=seeded())) for _ in range(2)]
    decays, paces = (0.1, 0.0), (1.0, 20.0)
    given = [
        {"params": [weight], "weight_decay": decay, "pace": pace}
        for weight, decay, pace in zip(weights, decays, paces, strict=True)
    ]
    found = optimizer.build(given).param_groups
    kept = [(len(group["params"]), group.get("weight_decay"), group.get("pace")) for group in found]
    demand(
        kept == [(1, 0.1, 1.0), (1, 0.0, 20.0)],
        "loses its groups, with their 'weight_decay' and 'pace': hand the groups to torch's optimizer.",
    )


def goes_on_from_its_state(optimizer: Optimizer) -> None:
    """Training resumed from a checkpoint of its state_dict gives the same weights as uninterrupted training."""
    weight, mover = bowl(optimizer)
    descend(weight, mover, 5)
    other, resumed = bowl(optimizer)
    other.data.copy_(weight.data)
    resumed.load_state_dict(unpack(pack(mover.state_dict()), weight.device))
    descend(weight, mover, 5)
    descend(other, resumed, 5)
    demand(torch.equal(weight, other), "goes on differently from its state_dict: keep all of its state there.")


def memory_layout_makes_no_difference(optimizer: Optimizer) -> None:
    """Kernels keep the harness's memory layout (channels last), and each element is updated by its own gradient."""
    ends = []
    for layout in (torch.contiguous_format, torch.channels_last):
        kernel = torch.randn(5, 3, 4, 2, generator=seeded())
        weight = nn.Parameter(kernel.contiguous(memory_format=layout))
        descend(weight, optimizer.build([{"params": [weight], "weight_decay": 0.0}]), 3)
        ends.append(weight.detach())
    demand(
        torch.allclose(ends[0], ends[1], rtol=1e-5, atol=1e-6),
        "moves kernels in channels-last layout to other values: index weights, gradients and states by element, and "
        "make states with torch.zeros_like(weight).",
    )


def refuses_a_clip_of_nothing(optimizer: Optimizer) -> None:
    """If it has the field 'clip', it refuses one that is not above 0."""
    for clip in (0.0, -1.0) if _has_clip(optimizer) else ():
        taken = None
        with suppress(ValueError):
            taken = _with_clip(optimizer, clip)
        demand(taken is None, f"takes clip={clip:g}: call super().__post_init__() in its __post_init__, to refuse it.")


def leaves_clipping_to_the_harness(optimizer: Optimizer) -> None:
    """If it has the field 'clip', its torch optimizer moves weights by the gradients as they are."""
    if not _has_clip(optimizer):
        return
    ends = []
    for clip in (None, 0.1):
        weight, mover = bowl(_with_clip(optimizer, clip))
        descend(weight, mover, 3)
        ends.append(weight.detach())
    demand(
        torch.equal(*ends), "clips gradients in `build`: leave that to the harness, which clips them before each step."
    )


def _has_clip(optimizer: Optimizer) -> bool:
    return any(field.name == "clip" for field in fields_of(optimizer))


def _with_clip(optimizer: Optimizer, clip: float | None) -> Optimizer:
    return replace(optimizer, clip=clip)  # type: ignore[type-var]  # a dataclass


def values_are_finite(schedule: Schedule) -> None:
    """Finite and not negative over a run, and equal for equal arguments."""
    for steps in (1, 7, 1000):
        values = [[schedule(1.0, step, steps) for step in range(steps)] for _ in range(2)]
        demand(
            all(math.isfinite(v) and v >= 0 for v in values[0]), f"is negative or not finite in a run of {steps} steps."
        )
        demand(values[0] == values[1], "gives another value the second time: a schedule is a function of the step.")


def base_is_used(schedule: Schedule) -> None:
    """Twice the base gives other values, unless all are 0."""
    ones, twos = ([schedule(base, step, 1000) for step in range(1000)] for base in (1.0, 2.0))
    demand(
        ones != twos or not any(ones),
        "ignores its base, which is the learning rate of an optimizer: multiply by it.",
    )


def weight_is_finite(weight: AdaptiveWeight) -> None:
    """Finite and not negative for any norms, 0 included, and equal for equal norms."""
    for own in (0.0, 1e-12, 0.3, 1e9):
        for others in (0.0, 1e-12, 0.3, 1e9):
            found = weight(own, others)
            demand(math.isfinite(found) and found >= 0, f"is {found} for the norms {own:g} and {others:g}.")
            demand(weight(own, others) == found, "gives another weight the second time: it is a function of norms.")


def stronger_terms_weigh_less(weight: AdaptiveWeight) -> None:
    """It does not rise with the norm of the term itself, nor fall with that of the others."""
    norms = (1e-3, 0.1, 1.0, 30.0)
    own, others = [weight(norm, 0.7) for norm in norms], [weight(0.7, norm) for norm in norms]
    demand(own == sorted(own, reverse=True), "rises with the term's own gradient: a strong term would grow stronger.")
    demand(others == sorted(others), "falls where the other terms pull more: it would leave the game to them.")


CHECKS: Checks = {
    Optimizer: (
        goes_down,
        uses_the_learning_rate,
        keeps_its_groups,
        goes_on_from_its_state,
        memory_layout_makes_no_difference,
        refuses_a_clip_of_nothing,
        leaves_clipping_to_the_harness,
    ),
    Schedule: (values_are_finite, base_is_used),
    AdaptiveWeight: (weight_is_finite, stronger_terms_weigh_less),
}
