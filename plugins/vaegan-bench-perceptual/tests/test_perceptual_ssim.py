"""SSIM and its pyramid: scikit-image as reference, exact gradients, and what the pyramid does where powers fail."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity as reference
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate
from vaegan_bench_perceptual import SSIM, SSIMPyramid
from vaegan_bench_perceptual.local_statistics import similarity
from vaegan_bench_perceptual.ssim_pyramid import FLOOR, WEIGHTS, pyramid_similarity, scales_of

from vaegan_bench.api import PluginError, Prediction, ReconstructionLoss
from vaegan_bench.metrics.reconstruction.pixel_errors import structural_similarity as measured


def noise() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def images(*shape: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """Smooth images in [-1, 1], and the same with noise."""
    x = interpolate(torch.rand(*shape[:2], 5, 5, generator=noise()), shape[2:], mode="bilinear")
    y = x + 0.2 * torch.randn(shape, generator=noise())
    return (2 * x - 1).to(dtype), (2 * y - 1).clamp(-1, 1).to(dtype)


def by_scikit_image(x_CHW: Tensor, y_CHW: Tensor) -> float:
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    x, y = (t.numpy().astype(np.float64) + 1 for t in (x_CHW, y_CHW))
    return float(reference(x, y, data_range=2, channel_axis=0, **settings))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [32, 64])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-5)])
def test_ssim_is_that_of_scikit_image(channels: int, side: int, dtype: torch.dtype, tolerance: float) -> None:
    x, y = images(2, channels, side, side, dtype=dtype)
    expected = torch.tensor([1 - by_scikit_image(*pair) for pair in zip(x, y, strict=True)], dtype=dtype)
    per_value = SSIM()(Prediction(x), y) / (channels * side * side)
    torch.testing.assert_close(per_value, expected, rtol=0, atol=tolerance)


def test_ssim_is_what_the_metric_reconstruction_measures() -> None:
    x, y = images(2, 3, 32, 48)
    per_value = SSIM()(Prediction(x), y) / x[0].numel()
    torch.testing.assert_close(per_value, 1 - measured((x + 1) / 2, (y + 1) / 2))


def test_flat_images_differ_in_luminance_alone() -> None:
    a, b = 0.2, -0.4
    flat = torch.full((1, 1, 16, 16), a, dtype=torch.float64), torch.full((1, 1, 16, 16), b, dtype=torch.float64)
    c1 = (0.01 * 2) ** 2
    luminance = (2 * (1 + a) * (1 + b) + c1) / ((1 + a) ** 2 + (1 + b) ** 2 + c1)
    for loss in (SSIM(), SSIMPyramid()):
        torch.testing.assert_close(loss(Prediction(flat[0]), flat[1]).item(), 256 * (1 - luminance))


@pytest.mark.parametrize("loss", [SSIM(), SSIMPyramid()], ids=str)
@pytest.mark.parametrize(("channels", "side"), [(1, 13), (2, 22)])
def test_gradients_agree_with_finite_differences(loss: ReconstructionLoss, channels: int, side: int) -> None:
    x, y = images(1, channels, side, side)
    assert torch.autograd.gradcheck(lambda mean: loss(Prediction(mean), y), x.requires_grad_(), fast_mode=True)


def test_the_pyramid_has_as_many_scales_as_leave_the_window_room() -> None:
    assert [scales_of(side) for side in (11, 21, 22, 32, 64, 128, 176, 1024)] == [1, 1, 2, 2, 3, 4, 5, 5]


def test_the_pyramid_is_a_weighted_product_of_structures_and_the_coarsest_ssim() -> None:
    x, y = images(2, 1, 64, 64)
    weights = [w / sum(WEIGHTS[:3]) for w in WEIGHTS[:3]]
    halved = [(x, y)]
    for _ in range(2):
        halved.append(tuple(avg_pool2d(t, 2) for t in halved[-1]))
    structures = [similarity(*pair).structure.mean((1, 2, 3)) for pair in halved[:2]]
    coarsest = torch.tensor([by_scikit_image(*pair) for pair in zip(*halved[2], strict=True)], dtype=torch.float64)
    expected = structures[0] ** weights[0] * structures[1] ** weights[1] * coarsest ** weights[2]
    torch.testing.assert_close(pyramid_similarity(x, y), expected)


def test_at_one_scale_the_pyramid_is_ssim() -> None:
    x, y = images(2, 1, 20, 20)
    torch.testing.assert_close(SSIMPyramid()(Prediction(x), y), SSIM()(Prediction(x), y))


def test_the_pyramid_forgives_noise_that_ssim_minds() -> None:
    x, _ = images(1, 3, 64, 64)
    noisy = x + 0.1 * torch.randn(x.shape, generator=noise())
    assert SSIMPyramid()(Prediction(noisy), x) < 0.5 * SSIM()(Prediction(noisy), x)


def test_negatives_have_the_floor_as_their_similarity_and_finite_gradients() -> None:
    x, _ = images(1, 1, 32, 32)
    negative = (-x).requires_grad_()
    value = SSIMPyramid()(Prediction(negative), x)
    torch.testing.assert_close(value.item(), (1 - FLOOR) * 1024)
    assert torch.autograd.grad(value.sum(), negative)[0].isfinite().all()
    assert SSIM()(Prediction(-x), x) > 1024


def test_more_noise_costs_more() -> None:
    x, _ = images(1, 3, 32, 32)
    error = torch.randn(x.shape, generator=noise())
    for loss in (SSIM(), SSIMPyramid()):
        costs = [loss(Prediction(x + sigma * error), x).item() for sigma in (0.0, 0.05, 0.1, 0.2, 0.4)]
        assert all(less < more for less, more in pairwise(costs))


@pytest.mark.parametrize("loss", [SSIM(), SSIMPyramid()], ids=str)
def test_images_smaller_than_the_window_are_refused(loss: ReconstructionLoss) -> None:
    x, y = images(1, 1, 10, 16)
    with pytest.raises(PluginError, match="11×11"):
        loss(Prediction(x), y)
