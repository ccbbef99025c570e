"""The margin gate: who rests at which costs, with unequal logits."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import softplus

from vaegan_bench.losses.gates.margin import Margin

GATE = Margin(equilibrium=0.6, margin=0.2)  # rests below 0.4 and above 0.8


def real_at(cost: float) -> Tensor:
    """Logits of real images whose cost, −log D(x), is this for every image."""
    return torch.full((4,), -math.log(math.expm1(cost)))


def fake_at(cost: float) -> Tensor:
    """Logits of fakes whose cost, −log(1 − D), is this for every image."""
    return -real_at(cost)


@pytest.mark.parametrize(
    ("real", "fake", "rests"),
    [
        (0.6, 0.6, set()),
        (0.41, 0.79, set()),
        (0.39, 0.6, {"discriminator"}),  # too good at real images alone
        (0.6, 0.39, {"discriminator"}),  # too good at fakes alone
        (0.81, 0.6, {"decoder"}),
        (0.6, 0.81, {"decoder"}),
        (0.1, 0.1, {"discriminator"}),
        (2.0, 2.0, {"decoder"}),
        (0.1, 2.0, set()),  # both would rest, so neither does
        (2.0, 0.1, set()),
    ],
)
def test_the_stronger_side_rests_outside_the_margin(real: float, fake: float, rests: set[str]) -> None:
    assert GATE(real_at(real), fake_at(fake)) == rests


def test_costs_are_means_over_images_and_not_costs_of_mean_logits() -> None:
    real = torch.tensor([6.0, -2.0])  # of the mean logit, 2, the cost would be 0.13
    assert softplus(-real).mean().item() == pytest.approx(1.065, abs=1e-3)
    assert GATE(real, fake_at(0.6)) == {"decoder"}


def test_the_default_margin_is_that_of_the_authors_code() -> None:
    assert Margin() == Margin(equilibrium=0.68, margin=0.35)
    assert Margin()(real_at(0.34), fake_at(0.68)) == set()
    assert Margin()(real_at(0.32), fake_at(0.68)) == {"discriminator"}
    assert Margin()(real_at(0.68), fake_at(1.04)) == {"decoder"}
