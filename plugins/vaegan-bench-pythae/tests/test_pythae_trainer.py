"""A step of the harness is a step of pythae's real trainer: same weights, same batch, same noise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from pythae_steps import GATES, distance, first_state, float64, our_steps, their_steps
from vaegan_bench_pythae import PythaeVAE, PythaeVAEGAN


@pytest.fixture(autouse=True)
def _in_float64() -> Iterator[None]:
    with float64():
        yield


@pytest.mark.parametrize("loss", ["mse", "bce"])
def test_a_step_of_the_vae_is_that_of_its_trainer(loss: str, tmp_path: Path) -> None:
    model = PythaeVAE(reconstruction_loss=loss)
    untrained, _ = first_state(model)
    ours, theirs = our_steps(model), their_steps(model, tmp_path)
    assert max(distance(ours, theirs).values()) < 1e-12
    assert min(distance(ours, untrained.modules).values()) > 1e-4


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("layer", [1, -1])
def test_a_step_of_the_vaegan_is_that_of_its_trainer(gate: str, layer: int, tmp_path: Path) -> None:
    model = PythaeVAEGAN(reconstruction_layer=layer, adversarial_loss_scale=0.3, **GATES[gate])
    untrained, _ = first_state(model)
    ours, theirs = our_steps(model), their_steps(model, tmp_path)
    assert max(distance(ours, theirs).values()) < 1e-12
    moved = {role for role, far in distance(ours, untrained.modules).items() if far > 0}
    resting = {"discriminator rests": {"discriminator"}, "decoder rests": set(), "all move": set()}[gate]
    assert moved == {"encoder", "decoder", "discriminator"} - resting


def test_a_resting_decoder_keeps_its_weights(tmp_path: Path) -> None:
    model = PythaeVAEGAN(**GATES["decoder rests"])
    untrained, _ = first_state(model)
    for modules in (our_steps(model), their_steps(model, tmp_path)):
        pairs = zip(modules["decoder"].parameters(), untrained.modules["decoder"].parameters(), strict=True)
        assert all(torch.equal(after, before) for after, before in pairs)


def test_the_routing_of_the_paper_is_not_that_of_the_trainer(tmp_path: Path) -> None:
    far = distance(our_steps(PythaeVAEGAN(routing="paper")), their_steps(PythaeVAEGAN(), tmp_path))
    assert far["encoder"] > 1e-5
    assert far["decoder"] > 1e-5
    model = PythaeVAEGAN(routing="paper")
    assert distance(our_steps(model, n=1), their_steps(model, tmp_path, n=1))["discriminator"] < 1e-12
