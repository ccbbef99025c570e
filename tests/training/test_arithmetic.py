"""What a training step computes beside what its game needs, and the card of its cost."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from vaegan_bench.api import ImageShape, Model
from vaegan_bench.losses.reconstruction.gaussian_learned import GaussianLearned
from vaegan_bench.models.vae import VAE
from vaegan_bench.testing.card import card_of
from vaegan_bench.testing.small import NETWORKS

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from flops import FLOORS, costs, step_of

SHAPE = ImageShape(3, 32, 32)


@pytest.mark.parametrize("model", FLOORS, ids=str)
def test_no_network_goes_over_examples_that_a_gradient_does_not_depend_on(model: Model) -> None:
    with torch.random.fork_rng():
        least = FLOORS[model](costs(NETWORKS, SHAPE))
    assert least <= step_of(model, NETWORKS, SHAPE) <= 1.06 * least


def test_a_learned_sigma_is_on_the_card_as_one_weight() -> None:
    plain, learned = card_of(VAE()), card_of(VAE(reconstruction=GaussianLearned()))
    assert plain is not None
    assert learned is not None
    assert learned.parameters == {**plain.parameters, "scale": 1}
    assert learned.flops_per_image == plain.flops_per_image > 0
