"""What pythae's trainer adds up: the evidence for the README, and for the table of pythae in docs/referee.md."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from documents import text
from games_as_written import SCALE
from pythae.models import VAEGAN
from pythae.trainers import CoupledOptimizerAdversarialTrainer
from pythae_steps import GATES, LR, PLAYERS, first_state, float64, their_steps
from referee_page import PAGE, WRITTEN, coefficients
from torch import Tensor
from vaegan_bench_pythae import PythaeVAEGAN
from vaegan_bench_pythae.noise import global_noise_from

from vaegan_bench.testing.coefficients import flat, regress
from vaegan_bench.testing.small_game import gradients
from vaegan_bench.training.state import TrainingState

HEADING = "pythae: a decoder that helps the discriminator"
WHEN = {gate: gate.replace("all move", "both move") for gate in GATES}


@pytest.fixture(autouse=True)
def _in_float64() -> Iterator[None]:
    with float64():
        yield


@pytest.mark.parametrize("gate", GATES)
def test_what_the_trainer_adds_up_is_what_the_page_states(gate: str, tmp_path: Path) -> None:
    """With λ = 0.3, in units of the gradients of terms that are written out by hand."""
    model = PythaeVAEGAN(adversarial_loss_scale=SCALE, **GATES[gate])
    untrained, x = first_state(model)
    terms = larsen_terms(untrained, x)
    theirs = their_steps(model, tmp_path, n=1)
    stated = coefficients(HEADING, WRITTEN, {})
    for role in PLAYERS:
        weights = list(untrained.modules[role].parameters())
        moved = [
            (before - after).detach() / LR for after, before in zip(theirs[role].parameters(), weights, strict=True)
        ]
        found = regress(flat(moved, weights), {n: flat(gradients(t, weights), weights) for n, t in terms.items()})
        expected = dict.fromkeys(terms, 0.0) | stated.get((role, WHEN[gate]), {})
        assert found == pytest.approx(expected, abs=1e-8), role


@pytest.mark.parametrize(
    "function", [VAEGAN.loss_function, CoupledOptimizerAdversarialTrainer._optimizers_step], ids=lambda f: f.__name__
)
def test_the_page_names_the_lines_of_the_release(function: Callable[..., Any]) -> None:
    lines, first = inspect.getsourcelines(function)
    assert f"lines {first}–{first + len(''.join(lines).rstrip().splitlines()) - 1}" in " ".join(text(PAGE).split())


def larsen_terms(state: TrainingState, x: Tensor) -> dict[str, Tensor]:
    """KL, ½ squared distance in Dis_l, and the cost of the discriminator on real and sampled images, by hand."""
    modules = state.modules
    posterior = modules.encode(x)
    with global_noise_from(state.noise):
        epsilon = torch.randn(posterior.mu_BZ.shape)
        z_prior = torch.randn(posterior.mu_BZ.shape)
    (rec,) = modules.decode(posterior.mu_BZ + (0.5 * posterior.logvar_BZ).exp() * epsilon)
    (sampled,) = modules.decode(z_prior)
    real, rebuilt, fake = modules.judge(x, rec.mean, sampled.mean)
    kl = -0.5 * (1 + posterior.logvar_BZ - posterior.mu_BZ**2 - posterior.logvar_BZ.exp()).sum(1)
    similarity = 0.5 * ((real.features_BF - rebuilt.features_BF) ** 2).sum(1)
    cost = -torch.nn.functional.logsigmoid(real.logits_B) - torch.nn.functional.logsigmoid(-fake.logits_B)
    return {"KL": kl.mean(), "similarity": similarity.mean(), "discriminator": cost.mean()}
