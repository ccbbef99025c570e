"""The focal frequency loss: Parseval's theorem, closed forms, and the gradient with locked weights."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from vaegan_bench_perceptual import FocalFrequency

from vaegan_bench.api import Prediction

NOISE = torch.Generator().manual_seed(5)
X = torch.rand(3, 2, 16, 12, generator=NOISE, dtype=torch.float64) * 2 - 1
Y = torch.rand(3, 2, 16, 12, generator=NOISE, dtype=torch.float64) * 2 - 1


def cost(alpha: float, difference_BCHW: Tensor) -> Tensor:
    return FocalFrequency(alpha=alpha)(Prediction(difference_BCHW), torch.zeros_like(difference_BCHW))


def by_matrices(x_HW: Tensor, y_HW: Tensor, alpha: float) -> float:
    """The loss of one channel from the definition of the discrete Fourier transform."""
    height, width = x_HW.shape
    rows = np.exp(-2j * np.pi * np.outer(np.arange(height), np.arange(height)) / height)
    columns = np.exp(-2j * np.pi * np.outer(np.arange(width), np.arange(width)) / width)
    distance = np.abs(rows @ (x_HW - y_HW).numpy() @ columns) / math.sqrt(height * width)
    return float(((distance / distance.max()) ** alpha * distance**2).sum())


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0, 2.0])
def test_it_is_the_weighed_distance_of_spectra_summed_over_channels(alpha: float) -> None:
    expected = [sum(by_matrices(x, y, alpha) for x, y in zip(a, b, strict=True)) for a, b in zip(X, Y, strict=True)]
    value = FocalFrequency(alpha=alpha)(Prediction(X), Y)
    torch.testing.assert_close(value, torch.tensor(expected, dtype=torch.float64))


def test_without_a_focus_it_is_the_squared_error() -> None:
    value = FocalFrequency(alpha=0.0)(Prediction(X), Y)
    torch.testing.assert_close(value, (X - Y).square().sum((1, 2, 3)))


@pytest.mark.parametrize("alpha", [0.0, 1.0, 3.0])
def test_a_single_wrong_pixel_has_a_flat_spectrum_and_nothing_to_focus_on(alpha: float) -> None:
    impulse = torch.zeros(1, 1, 8, 8, dtype=torch.float64)
    impulse[0, 0, 2, 5] = 0.7
    torch.testing.assert_close(cost(alpha, impulse).item(), 0.7**2)


def test_a_weaker_wave_counts_less_by_its_share_to_the_power_of_alpha() -> None:
    # A constant a has |F|² = a²N at one frequency; a wave of amplitude b has b²N/4 at two.
    a, b, alpha, n = 0.5, 0.2, 1.5, 256
    wave = (2 * math.pi * 3 * torch.arange(16, dtype=torch.float64) / 16).cos().expand(1, 1, 16, 16)
    expected = n * (a**2 + 0.5 * b**2 * (b / (2 * a)) ** alpha)
    torch.testing.assert_close(cost(alpha, a + b * wave).item(), expected)


def test_the_weights_take_no_part_in_the_gradient() -> None:
    mean = X.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(FocalFrequency(alpha=1.0)(Prediction(mean), Y).sum(), mean)
    spectrum = torch.fft.fft2(X - Y)
    weights = spectrum.abs() / spectrum.abs().amax((2, 3), keepdim=True)
    torch.testing.assert_close(gradient, 2 * torch.fft.ifft2(weights * spectrum).real)


def test_gradients_agree_with_finite_differences_where_no_weight_is_locked() -> None:
    loss = FocalFrequency(alpha=0.0)
    assert torch.autograd.gradcheck(lambda mean: loss(Prediction(mean), Y[:1]), X[:1].clone().requires_grad_())


def test_equal_images_have_a_zero_gradient_and_no_nan() -> None:
    mean = X.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(FocalFrequency()(Prediction(mean), X).sum(), mean)
    assert torch.equal(gradient, torch.zeros_like(gradient))


def test_a_negative_alpha_is_refused() -> None:
    with pytest.raises(ValueError, match="alpha must be at least 0"):
        FocalFrequency(alpha=-1.0)
