"""What pythae's trainer adds up: the evidence for what the README says of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from pythae_steps import GATES, LR, first_state, float64, their_steps
from torch import Tensor
from vaegan_bench_pythae import PythaeVAEGAN
from vaegan_bench_pythae.noise import global_noise_from

from vaegan_bench.training.state import TrainingState


@pytest.fixture(autouse=True)
def _in_float64() -> Iterator[None]:
    with float64():
        yield


@pytest.mark.parametrize(
    ("gate", "encoder", "decoder"),
    [  # with λ = 0.3: what the trainer leaves, in units of the gradients of (KL, similarity, discriminator's cost)
        ("all move", (1.0, 1.7, 0.0), (0.0, 0.7, 0.7)),
        ("discriminator rests", (1.0, 1.7, 0.0), (0.0, 0.7, -0.3)),
    ],
)
def test_what_the_trainer_adds_up(
    gate: str, encoder: tuple[float, ...], decoder: tuple[float, ...], tmp_path: Path
) -> None:
    """The decoder descends on the discriminator's cost that it should ascend."""
    model = PythaeVAEGAN(adversarial_loss_scale=0.3, **GATES[gate])
    untrained, x = first_state(model)
    terms = larsen_terms(untrained, x)
    theirs = their_steps(model, tmp_path, n=1)
    for role, expected in (("encoder", encoder), ("decoder", decoder)):
        weights = list(untrained.modules[role].parameters())
        pairs = zip(theirs[role].parameters(), weights, strict=True)
        moved = torch.cat([((before - after) / LR).flatten() for after, before in pairs]).detach()
        basis = [flat(torch.autograd.grad(t, weights, retain_graph=True, allow_unused=True), weights) for t in terms]
        reached = [i for i, direction in enumerate(basis) if direction.abs().max() > 0]
        found = torch.linalg.lstsq(torch.stack([basis[i] for i in reached], 1), moved).solution
        assert [expected[i] for i in range(3) if i not in reached] == [0.0] * (3 - len(reached))
        torch.testing.assert_close(found, torch.tensor([expected[i] for i in reached]), rtol=0, atol=1e-8)


def larsen_terms(state: TrainingState, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """KL, ½ squared distance in Dis_l, and the cost of the discriminator on real and sampled images, by hand."""
    modules = state.modules
    posterior = modules.encode(x)
    with global_noise_from(state.noise):
        epsilon = torch.randn(posterior.mu_BZ.shape)
        z_prior = torch.randn(posterior.mu_BZ.shape)
    (rec,) = modules.decode(posterior.mu_BZ + (0.5 * posterior.logvar_BZ).exp() * epsilon)
    (sampled,) = modules.decode(z_prior)
    real, rebuilt, fake = modules.judge(x, rec.mean, sampled.mean)
    kl = -0.5 * (1 + posterior.logvar_BZ - posterior.mu_BZ**2 - posterior.logvar_BZ.exp()).sum(1).mean()
    similarity = 0.5 * ((real.features_BF - rebuilt.features_BF) ** 2).sum(1).mean()
    cost = -torch.nn.functional.logsigmoid(real.logits_B) - torch.nn.functional.logsigmoid(-fake.logits_B)
    return kl, similarity, cost.mean()


def flat(gradients: tuple[Tensor | None, ...], weights: list[torch.nn.Parameter]) -> Tensor:
    pairs = zip(gradients, weights, strict=True)
    return torch.cat([(torch.zeros_like(w) if g is None else g).flatten() for g, w in pairs])
