"""What all losses promise: zero at equality, one value per image, sums over dimensions, training that works."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from vaegan_bench_perceptual import SSIM, FeatureDistance, FocalFrequency, PerceptualDistance, SSIMPyramid

from vaegan_bench.api import Prediction, ReconstructionLoss, SelectorError
from vaegan_bench.models.vae import VAE
from vaegan_bench.models.vaegan import VAEGAN
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.testing import Blobs, small_run
from vaegan_bench.training.batches import Batches
from vaegan_bench.training.loop import take_step
from vaegan_bench.training.optimizers.adam import Adam
from vaegan_bench.training.state import TrainingState

OF_PIXELS = [SSIM(), SSIMPyramid(), FocalFrequency(), FocalFrequency(alpha=0.0)]
LOSSES = [*OF_PIXELS, FeatureDistance(), PerceptualDistance()]
every_loss = pytest.mark.parametrize("loss", LOSSES, ids=str)


def image(seed: int, channels: int = 3, side: int = 32, batch: int = 3) -> Tensor:
    """Smooth images in [-1, 1]: a wave each, and some noise."""
    noise = torch.Generator().manual_seed(seed)
    along = torch.linspace(0, 6, side) * (1 + torch.rand(batch, channels, 1, 1, generator=noise))
    return 0.6 * (along + along.mT).sin() + 0.2 * torch.randn(batch, channels, side, side, generator=noise).tanh()


def cost(loss: ReconstructionLoss, x_BCHW: Tensor, y_BCHW: Tensor) -> Tensor:
    return loss(Prediction(x_BCHW), y_BCHW)


@every_loss
@pytest.mark.parametrize(("channels", "side"), [(1, 32), (3, 32), (3, 64)])
def test_equal_images_cost_nothing_and_others_something(loss: ReconstructionLoss, channels: int, side: int) -> None:
    x, y = image(0, channels, side), image(1, channels, side)
    # SSIM of an image with itself is 1 up to float32, which the sum over up to 12,288 values enlarges.
    torch.testing.assert_close(cost(loss, x, x), torch.zeros(3), atol=5e-3, rtol=0)
    assert (cost(loss, x, y) > 1).all()


@every_loss
def test_the_gradient_vanishes_at_equality_and_points_towards_the_target_elsewhere(loss: ReconstructionLoss) -> None:
    x, y = image(0), image(1)
    for near, least in ((x, 0.0), (0.7 * x + 0.3 * y, 1e-3)):
        mean = near.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(cost(loss, mean, x).sum(), mean)
        assert (gradient * (near - x)).sum() >= least
        assert gradient.isfinite().all()
    (at_target,) = torch.autograd.grad(cost(loss, x.requires_grad_(), x.detach()).sum(), x)
    torch.testing.assert_close(at_target, torch.zeros_like(x), atol=2e-3, rtol=0)


@every_loss
def test_the_value_of_one_image_depends_on_no_other(loss: ReconstructionLoss) -> None:
    x, y = image(0), image(1)
    values, order = cost(loss, x, y), [2, 0, 1]
    torch.testing.assert_close(cost(loss, x[order], y[order]), values[order], rtol=1e-4, atol=1e-3)
    other = torch.cat([x[:1], image(2)[1:]])
    torch.testing.assert_close(cost(loss, other, y)[:1], values[:1], rtol=1e-4, atol=1e-3)


@every_loss
def test_values_are_sums_over_channels_and_places(loss: ReconstructionLoss) -> None:
    x, y = image(0, channels=1), image(1, channels=1)
    grey = cost(loss, x, y)
    colour = cost(loss, x.expand(-1, 3, -1, -1), y.expand(-1, 3, -1, -1))
    torch.testing.assert_close(colour, 3 * grey, rtol=1e-4, atol=0)
    tiles = cost(loss, x.repeat(1, 1, 2, 2), y.repeat(1, 1, 2, 2))
    # Seams and finer detail are new to windows and networks; a transform sees none in what repeats.
    tolerance = 1e-4 if isinstance(loss, FocalFrequency) else 0.25
    torch.testing.assert_close(tiles.mean(), 4 * grey.mean(), rtol=tolerance, atol=0)


@every_loss
def test_bfloat16_training_compares_in_float32_and_inputs_stay_as_they_are(loss: ReconstructionLoss) -> None:
    x, y = image(0), image(1)
    expected = cost(loss, x.clone(), y.clone())
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(cost(loss, x, y), expected)
    assert torch.equal(x, image(0))
    assert torch.equal(y, image(1))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("loss", OF_PIXELS[:3], ids=str)
def test_a_vae_learns_with_it(loss: ReconstructionLoss, channels: int) -> None:
    assert share_left_after(loss, steps=40, batch=16, channels=channels) < 0.7


def test_a_vae_learns_in_features() -> None:
    assert share_left_after(FeatureDistance(), steps=20, batch=4, channels=3) < 0.7


def share_left_after(loss: ReconstructionLoss, steps: int, batch: int, channels: int) -> float:
    """The cost of the last steps of a small training over that of the first."""
    dataset, cpu = Blobs(channels=channels), torch.device("cpu")
    run = small_run(VAE(reconstruction=loss), steps=steps, batch=batch, dataset=dataset, optimizer=Adam(lr=5e-3))
    data = dataset.load(run.size, Path())
    state = TrainingState(run, data.shape, cpu)
    batches = Batches(dataset, data.train, batch, run.seed, cpu)
    terms = [take_step(run, state, batches).objectives.terms for _ in range(steps)]
    costs = torch.stack([term["reconstruction"].detach().mean() for term in terms])
    return float(costs[-5:].mean() / costs[0])


def test_users_find_all_four_by_name() -> None:
    registry = Registry(["vaegan_bench_perceptual"])
    vae = registry.build(VAE, "vae[reconstruction=focal-frequency[alpha=0.5]]")
    assert vae.reconstruction == FocalFrequency(alpha=0.5)
    names = {"ssim", "ssim-pyramid", "focal-frequency", "features"}
    assert names <= registry.of_kind(ReconstructionLoss.kind).keys()
    for name in sorted(names):
        with pytest.raises(SelectorError, match="only pixels"):
            registry.build(VAEGAN, f"vaegan[similarity={name}]")
