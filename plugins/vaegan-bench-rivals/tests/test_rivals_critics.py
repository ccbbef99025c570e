"""WGAN-GP and SNGAN: closed forms of the critic's cost, and norms of the layers."""

from __future__ import annotations

import pytest
import torch
from rivals_game import CPU, LATENT, state_of
from torch import Tensor, nn
from vaegan_bench_rivals.sngan import SNGAN
from vaegan_bench_rivals.wgan_gp import WGANGP

from vaegan_bench.api import Modules, Play
from vaegan_bench.execution.estimate import operations_per_image
from vaegan_bench.models.gan import GAN
from vaegan_bench.testing import blobs, small_run
from vaegan_bench.training.loop import train


class Grey(nn.Module):
    """A decoder that makes grey images of any code."""

    def forward(self, z_BZ: Tensor) -> Tensor:
        return torch.zeros(len(z_BZ), 1, 4, 4)


class LinearCritic(nn.Module):
    """s(x) = slope · Σ x, whose gradient has the norm 4·slope at every 4×4 image."""

    def __init__(self, slope: float) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(slope))

    def forward(self, x_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        return self.slope * x_BCHW.sum((1, 2, 3)), x_BCHW


def test_operations_are_those_of_a_whole_cycle_wherever_a_training_ends() -> None:
    each, second, fifth, later = (
        operations_per_image(small_run(WGANGP(n_critic=n), steps=steps))
        for n, steps in ((1, 100), (2, 100), (5, 100), (5, 101))
    )
    critic_alone = 2 * second - each
    assert fifth == later == pytest.approx(critic_alone + (each - critic_alone) / 5)
    assert critic_alone < fifth < second < each


@pytest.mark.parametrize("slope", [0.25, 1.0])
def test_a_linear_critic_pays_for_its_slope_alone(slope: float) -> None:
    modules = Modules({"decoder": Grey(), "discriminator": LinearCritic(slope)})
    x = torch.full((5, 1, 4, 4), 0.5)
    play = Play(modules, x, torch.Generator().manual_seed(0), 0, LATENT)
    game = WGANGP().objectives(play)
    torch.testing.assert_close(game.terms["discriminator"], torch.full((5,), -8.0 * slope))  # s(grey) − s(x)
    torch.testing.assert_close(game.terms["regulariser"], torch.full((5,), 10 * (4 * slope - 1) ** 2))
    torch.testing.assert_close(game.terms["generator"], torch.zeros(5))


def layers(discriminator: nn.Module) -> list[nn.Module]:
    return [layer for layer in discriminator.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]


def norms(discriminator: nn.Module) -> list[float]:
    """The largest singular value of every layer's weight, as the matrix (outputs, the rest)."""
    with torch.no_grad():
        weights = [layer.weight.flatten(1) for layer in layers(discriminator.eval())]  # type: ignore[operator]
        return [float(torch.linalg.matrix_norm(weight, 2)) for weight in weights]


@pytest.mark.parametrize(
    ("iterations", "precision", "tolerance"), [(1, "float32", 0.2), (10, "float32", 0.01), (10, "bfloat16", 0.02)]
)
def test_trained_layers_have_a_spectral_norm_of_one(iterations: int, precision: str, tolerance: float) -> None:
    # One refinement per step, as in the paper, lags behind weights that move fast: the norm is then a little above 1.
    run = small_run(SNGAN(power_iterations=iterations), steps=25, precision=precision)
    found = norms(train(run, blobs(), CPU).state.modules["discriminator"])
    assert len(found) == 4
    assert found == pytest.approx([1.0] * 4, abs=tolerance)


def test_without_it_the_layers_have_other_norms() -> None:
    assert norms(state_of(GAN()).modules["discriminator"]) != pytest.approx([1.0] * 4, abs=0.2)


def test_the_discriminator_is_no_steeper_than_its_layers_allow() -> None:
    discriminator = state_of(SNGAN()).modules["discriminator"].eval()
    noise = torch.Generator().manual_seed(0)
    x = torch.rand((8, 3, 32, 32), generator=noise)
    near = x + 1e-2 * torch.randn(x.shape, generator=noise)
    with torch.no_grad():
        rise = (discriminator(x)[0] - discriminator(near)[0]).abs()
    # A 4×4 kernel with stride 2 meets each pixel four times, so three convolutions stretch by at most 2³.
    assert (rise <= 8 * (x - near).flatten(1).norm(dim=1)).all()


def test_only_the_discriminator_is_normalised() -> None:
    modules = state_of(SNGAN()).modules
    assert all("parametrizations" in name for name, w in modules["discriminator"].named_parameters() if w.ndim > 1)
    assert not any("parametrizations" in name for name, _ in modules["decoder"].named_parameters())
