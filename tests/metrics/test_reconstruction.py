from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio
from skimage.metrics import structural_similarity as reference_ssim
from torch import Tensor

from vaegan_bench.api import BenchError
from vaegan_bench.metrics.reconstruction.pixel_errors import (
    Reconstruction,
    mean_scores,
    peak_signal_to_noise,
    structural_similarity,
)


def images(n: int, channels: int, height: int, width: int, seed: int = 0) -> Tensor:
    """Smooth random images on [0, 1]."""
    coarse = torch.rand(n, channels, 4, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.nn.functional.interpolate(coarse, size=(height, width), mode="bilinear")


def uint8(seed: int) -> Tensor:
    return (images(300, 3, 16, 16, seed) * 255).to(torch.uint8)


def scikit_ssim(x_CHW: torch.Tensor, y_CHW: torch.Tensor, data_range: int) -> float:
    gaussian = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return float(reference_ssim(x_CHW.numpy(), y_CHW.numpy(), **gaussian, data_range=data_range, channel_axis=0))


@pytest.mark.parametrize(("channels", "height", "width"), [(1, 11, 11), (3, 32, 32), (3, 40, 24)])
def test_ssim_and_psnr_are_those_of_scikit_image(channels: int, height: int, width: int) -> None:
    x = images(4, channels, height, width)
    y = (x + 0.1 * images(4, channels, height, width, seed=1)).clamp(0, 1)
    for a, b, ssim, psnr in zip(x, y, structural_similarity(x, y), peak_signal_to_noise(x, y), strict=True):
        expected = scikit_ssim(a, b, data_range=1)
        assert float(ssim) == pytest.approx(expected, rel=1e-9)
        assert float(psnr) == pytest.approx(peak_signal_noise_ratio(a.numpy(), b.numpy(), data_range=1), rel=1e-9)


def test_equal_images_score_perfectly_and_stay_finite() -> None:
    scores = mean_scores(uint8(0), uint8(0))
    assert scores["mse"] == scores["mae"] == 0
    assert scores["ssim"] == pytest.approx(1)
    assert scores["psnr"] == pytest.approx(10 * math.log10(255**2 * 3 * 16 * 16))


def test_known_errors_on_the_unit_range() -> None:
    black = torch.zeros(3, 3, 16, 16, dtype=torch.uint8)
    scores = mean_scores(black, black + 51)
    assert scores["mse"] == pytest.approx(0.04)
    assert scores["mae"] == pytest.approx(0.2)
    assert scores["psnr"] == pytest.approx(13.979, abs=1e-3)


def test_each_score_is_taken_per_image_and_then_averaged() -> None:
    real = torch.zeros(3, 1, 12, 12, dtype=torch.uint8)
    made = real.clone()
    made[0] += 51
    made[1] += 255
    made[2, :, :6] += 102
    scores = mean_scores(real, made)
    assert scores["mae"] == pytest.approx((0.2 + 1 + 0.4 / 2) / 3)
    assert scores["mse"] == pytest.approx((0.04 + 1 + 0.16 / 2) / 3)
    assert scores["psnr"] == pytest.approx(-10 / 3 * (math.log10(0.04) + 0 + math.log10(0.08)))


def test_every_image_counts_alike_however_many_there_are() -> None:
    real = torch.zeros(300, 1, 11, 11, dtype=torch.uint8)
    made = real.clone()
    made[290:] += 255
    scores = mean_scores(real, made)
    assert scores["mse"] == scores["mae"] == pytest.approx(10 / 300)


def test_ssim_of_skewed_images_of_8_bits_is_scikit_images() -> None:
    noise = torch.Generator().manual_seed(4)
    real = (torch.rand(5, 3, 20, 14, generator=noise) ** 3 * 255).to(torch.uint8)
    made = (real * 0.6 + 40 * torch.rand(5, 3, 20, 14, generator=noise)).to(torch.uint8)
    expected = [scikit_ssim(x, y, data_range=255) for x, y in zip(real, made, strict=True)]
    assert mean_scores(real, made)["ssim"] == pytest.approx(sum(expected) / 5, rel=1e-9)


def test_rows_carry_direction_and_protocol(signs: Any) -> None:
    outputs = replace(signs, real=uint8(0), reconstructions=uint8(1))
    rows = {row.metric: row for row in Reconstruction()(outputs)}
    assert list(rows) == ["mse", "mae", "psnr", "ssim"]
    assert rows["psnr"].direction == "higher"
    assert [row.direction for row in rows.values()] == ["lower", "lower", "higher", "higher"]
    assert [row.units for row in rows.values()] == ["1", "1", "dB", "1"]
    assert rows["mse"].protocol["n_real"] == 300


def test_no_encoder_no_rows(signs: Any) -> None:
    assert Reconstruction()(replace(signs, reconstructions=None)) == []


def test_images_smaller_than_the_window_of_ssim_have_the_other_numbers() -> None:
    real = torch.zeros(4, 3, 10, 32, dtype=torch.uint8)
    assert mean_scores(real, real + 51) == pytest.approx({"mse": 0.04, "mae": 0.2, "psnr": -10 * math.log10(0.04)})
    with pytest.raises(BenchError, match="at least 11x11"):
        structural_similarity(real.double(), real.double())
