from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from vaegan_bench.api import BenchError, Data, Split
from vaegan_bench.metrics.features.spectra import radial_power, radii, ratios
from vaegan_bench.metrics.reconstruction.spectrum import ReconstructionSpectrum
from vaegan_bench.metrics.samples.power_spectrum import PowerSpectrum
from vaegan_bench.testing.worlds import data_of


def noise(n: int, shape: tuple[int, int, int], sd: float = 20.0, seed: int = 0) -> Tensor:
    """White noise of a variance, before rounding."""
    return 128 + sd * torch.randn(n, *shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def blurred(x_NCHW: Tensor, sigma: float) -> Tensor:
    """Under a Gaussian that goes on around the edges: each coefficient times exp(−2π²σ²f²)."""
    rows, columns = (torch.fft.fftfreq(side, dtype=torch.float64) for side in x_NCHW.shape[2:])
    gain = torch.exp(-2 * math.pi**2 * sigma**2 * (rows[:, None] ** 2 + columns**2))
    return torch.fft.ifft2(torch.fft.fft2(x_NCHW) * gain).real


def uint8(x_NCHW: Tensor) -> Tensor:
    return x_NCHW.round().clamp(0, 255).to(torch.uint8)


ALONG, ACROSS = 1 / 9, 1 / 36
"""The shares of the mean in the windowed coefficients beside it: (1/16 · 1/4) and (1/16)² of (3/8)²."""


@pytest.mark.parametrize(
    ("shape", "mean"),
    [
        ((3, 32, 32), (4 * ALONG + 4 * ACROSS) / 8),
        ((1, 21, 21), (4 * ALONG + 4 * ACROSS) / 8),
        ((3, 16, 24), (4 * ALONG + 4 * ACROSS) / 10),  # two periods along the longer side belong to this annulus, too
    ],
)
def test_white_noise_has_its_variance_at_every_frequency(shape: tuple[int, int, int], mean: float) -> None:
    power = radial_power(noise(600, shape, sd=30))
    expected = np.full(min(shape[1:]) // 2, 900.0)
    expected[0] *= 1 - mean  # which is taken away from each image
    assert power.numpy() == pytest.approx(expected, rel=0.06)


def test_the_spectrum_is_numpys_averaged_by_hand() -> None:
    images = uint8(noise(5, (2, 12, 8), seed=3) + 40 * torch.arange(8))
    x = images.double().numpy()
    window = np.hanning(13)[:-1, None] * np.hanning(9)[:-1]
    coefficients = np.fft.fft2((x - x.mean((2, 3), keepdims=True)) * window)
    power = (np.abs(coefficients) ** 2).mean((0, 1)) / (window**2).sum()
    annuli: dict[int, list[float]] = {}
    for i in range(12):
        for j in range(8):
            up, across = min(i, 12 - i) / 12, min(j, 8 - j) / 8
            annuli.setdefault(round(8 * math.hypot(up, across)), []).append(power[i, j])
    expected = [sum(annuli[k]) / len(annuli[k]) for k in range(1, 5)]
    assert radial_power(images).numpy() == pytest.approx(expected, rel=1e-10)


def test_a_wave_is_found_at_its_frequency() -> None:
    x = 128 + 100 * torch.cos(2 * math.pi * 6 / 32 * torch.arange(32, dtype=torch.float64)).expand(4, 1, 32, 32)
    power = radial_power(uint8(x))
    assert int(power.argmax()) + 1 == 6
    assert float(power[:4].max()) < 1e-4 * float(power.max())  # the window keeps it from spreading
    assert radii(32, 32).unique()[6] == 6 / 32


@pytest.mark.parametrize("sigma", [0.3, 0.6])
def test_a_blur_has_the_distance_that_its_gaussian_says(sigma: float) -> None:
    sharp = noise(400, (3, 32, 32), sd=25)
    [found] = ratios([blurred(sharp, sigma)], sharp)
    f = torch.arange(1, 17) / 32
    decibels = -40 * math.pi**2 * sigma**2 / math.log(10) * f**2  # of exp(−4π²σ²f²)
    assert found.frequencies_K.tolist() == f.tolist()
    assert found.decibels_K.numpy() == pytest.approx(decibels.numpy(), rel=0.05, abs=0.15)
    assert found.distance == pytest.approx(float(decibels.square().mean().sqrt()), rel=0.05)
    assert found.at_high_frequencies == pytest.approx(float(decibels[8:].mean()), rel=0.05)


def test_noise_added_to_images_adds_its_variance() -> None:
    flat = noise(300, (1, 16, 16), sd=8)
    [found] = ratios([flat + noise(300, (1, 16, 16), sd=6, seed=9) - 128], flat)
    assert found.decibels_K.numpy() == pytest.approx(np.full(8, 10 * math.log10(100 / 64)), abs=0.25)


def test_rows_say_blur_from_noise_and_stand_beside_training_images(signs: Any) -> None:
    train, real, soft = (uint8(blurred(noise(200, (3, 16, 16), 40, seed), s)) for seed, s in ((1, 0), (2, 0), (3, 0.5)))
    nothing = torch.zeros(200, 0, dtype=torch.bool)
    data = Data(Split(train, nothing), Split(real, nothing), digest="noise")
    outputs = replace(signs, data=data, real=real, samples=soft, reconstructions=uint8(noise(200, (3, 16, 16), 60, 4)))
    distance, high = PowerSpectrum()(outputs)
    assert (distance.metric, distance.direction, distance.units) == ("spectral-distance", "lower", "dB")
    assert (high.metric, high.direction) == ("high-frequencies", "none")
    expected = -40 * math.pi**2 * 0.25 / math.log(10) * np.mean((np.arange(5, 9) / 16) ** 2)
    assert high.value == pytest.approx(expected, rel=0.1)
    assert distance.ceiling is not None
    assert distance.ceiling < 0.3 < 3 < distance.value
    assert abs(high.ceiling or 9) < 0.3
    assert distance.protocol == {"n_real": 200, "n_fake": 200, "window": "Hann"}
    rows = ReconstructionSpectrum()(outputs)
    assert [row.metric for row in rows] == ["reconstruction-spectral-distance", "reconstruction-high-frequencies"]
    assert rows[1].value == pytest.approx(20 * math.log10(60 / 40), rel=0.15)
    lossless = ReconstructionSpectrum()(replace(outputs, reconstructions=real))
    assert [(row.value, row.ceiling) for row in lossless] == [(0, 0), (0, 0)]
    profile = PowerSpectrum().exhibits(outputs)["power-spectrum"]
    assert profile.places == tuple(k / 16 for k in range(1, 9))
    assert float(np.sqrt(np.mean(profile.values_X**2))) == pytest.approx(distance.value, rel=1e-6)
    assert list(ReconstructionSpectrum().exhibits(outputs)) == ["reconstruction-spectrum"]


def test_images_of_one_colour_count_as_their_rounding(signs: Any) -> None:
    real = uint8(noise(50, (1, 8, 8), sd=30))
    [found] = ratios([torch.full_like(real, 7)], real)
    expected = -10 * (radial_power(real) * 12).log10()
    assert found.decibels_K.numpy() == pytest.approx(expected.numpy())


def test_what_cannot_be_compared_is_said(signs: Any) -> None:
    real = uint8(noise(5, (3, 8, 8)))
    assert ReconstructionSpectrum()(replace(signs, real=real, reconstructions=None)) == []
    assert ReconstructionSpectrum().exhibits(replace(signs, reconstructions=None)) == {}
    with pytest.raises(BenchError, match="Images of 6×8 and 8×8 pixels: power spectra are compared at one size"):
        PowerSpectrum()(replace(signs, data=data_of(real), real=real, samples=real[:, :, :, :6]))
    with pytest.raises(BenchError, match="Images of 4×1 pixels have no power spectrum"):
        PowerSpectrum()(signs)
    folder = replace(signs, real=real, samples=real, data=replace(data_of(real), train=data_of(real[:0]).train))
    assert [row.ceiling for row in PowerSpectrum()(folder)] == [None, None]
