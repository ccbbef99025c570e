"""Radial power spectra of images, in decibels beside those of held-out images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from vaegan_bench.api import BenchError, Measurement, Outputs, Profile
from vaegan_bench.metrics.features.sets import Protocol
from vaegan_bench.system.memo import memo

BLOCK = 256
"""Images that are transformed at a time."""
ROUNDING = 1 / 12
"""The power of rounding to whole grey levels. Less does not count, so that images of one colour have logarithms."""
HIGH = 0.25
"""Cycles per pixel from which a frequency is high: details of less than four pixels."""


class Ratio(NamedTuple):
    """The power of images relative to that of others, at each frequency."""

    frequencies_K: Tensor
    """Cycles per pixel, up to ½; float64."""
    decibels_K: Tensor
    """10 log₁₀ of the ratio; float64."""

    @property
    def distance(self) -> float:
        """The log-spectral distance, the root mean square over frequencies, in dB (Gray & Markel, 1976)."""
        return float(self.decibels_K.square().mean().sqrt())

    @property
    def at_high_frequencies(self) -> float:
        """The mean over high frequencies, in dB: below 0 for blurred images, above 0 for noisy ones."""
        return float(self.decibels_K[self.frequencies_K > HIGH].mean())


def ratios(sets: Sequence[Tensor], real_NCHW: Tensor) -> list[Ratio]:
    """The power of each set of images relative to real ones. Raises `BenchError` for images of two sizes."""
    for images in sets:
        if images.shape[2:] != real_NCHW.shape[2:]:
            sizes = " and ".join(f"{each.shape[3]}×{each.shape[2]}" for each in (images, real_NCHW))
            raise BenchError(f"Images of {sizes} pixels: power spectra are compared at one size.")
    return [_ratio(radial_power(images), real_NCHW) for images in sets]


def _ratio(power_K: Tensor, real_NCHW: Tensor) -> Ratio:
    real_K = radial_power(real_NCHW).clamp(min=ROUNDING)
    return Ratio(radii(*real_NCHW.shape[2:]).unique()[1:], 10 * (power_K.clamp(min=ROUNDING) / real_K).log10())


@memo
def radial_power(images_NCHW: Tensor, first: int | None = None) -> Tensor:
    """Power at each frequency k/S, k = 1 … S/2, with S the shorter side (Durall et al., 2020, section 3); (K,) float64.

    The mean over images, channels and directions of |DFT|², of uint8 images around the mean of each channel, under
    Hann's window. White noise has its variance, in squared grey levels, at all frequencies but the lowest, which loses
    up to a ninth of it with the mean. `first`: only of so many images. Raises `BenchError` for images of one pixel
    across, which have no frequencies.
    """
    images_NCHW = images_NCHW[:first]
    if min(images_NCHW.shape[2:]) < 2:
        raise BenchError(f"Images of {images_NCHW.shape[3]}×{images_NCHW.shape[2]} pixels have no power spectrum.")
    window_HW, radii_HV = _window(*images_NCHW.shape[2:]), radii(*images_NCHW.shape[2:])
    power_HV = torch.zeros_like(radii_HV)
    for images in images_NCHW.cpu().split(BLOCK):
        centred = images.double() - images.double().mean((2, 3), keepdim=True)
        power_HV += torch.fft.rfft2(centred * window_HW).abs().square().sum((0, 1))
    power_HV /= len(images_NCHW) * images_NCHW.shape[1] * window_HW.square().sum()
    # All columns but these stand for the negative frequencies as well, whose power is the same.
    single = torch.fft.rfftfreq(images_NCHW.shape[3]) % 0.5 == 0
    weights_HV = torch.where(single, 1.0, 2.0).double().expand_as(power_HV)
    rings = [radii_HV == radius for radius in radii_HV.unique()[1:]]
    return torch.stack([(weights_HV * power_HV)[ring].sum() / weights_HV[ring].sum() for ring in rings])


def radii(height: int, width: int) -> Tensor:
    """The frequency of each coefficient of `rfft2`, rounded to k/S and at most ½; 0 beyond; (H, W/2 + 1) float64."""
    side = min(height, width)
    rows_H = torch.fft.fftfreq(height, dtype=torch.float64)
    columns_V = torch.fft.rfftfreq(width, dtype=torch.float64)
    k_HV = (side * torch.hypot(rows_H[:, None], columns_V)).round()
    return torch.where(k_HV <= side // 2, k_HV, 0.0) / side


def measure_ratio(
    images_NCHW: Tensor, outputs: Outputs, ceilings: tuple[float, float] | None, prefix: str = ""
) -> list[Measurement]:
    """The two numbers of some images beside the held-out ones, with the `ceilings` of both, if there are any."""
    [found] = ratios([images_NCHW], outputs.real)
    distance, at_high = ceilings or (None, None)
    protocol: Protocol = {"n_real": len(outputs.real), "n_fake": len(images_NCHW), "window": "Hann"}
    return [
        Measurement(f"{prefix}spectral-distance", found.distance, "lower", "dB", protocol, ceiling=distance),
        Measurement(f"{prefix}high-frequencies", found.at_high_frequencies, "none", "dB", protocol, ceiling=at_high),
    ]


def of_training_images(outputs: Outputs) -> tuple[float, float] | None:
    """The two numbers of as many training images as there are held-out ones; None where there are none."""
    if not len(outputs.train):
        return None
    found = _ratio(radial_power(outputs.train, len(outputs.real)), outputs.real)
    return found.distance, found.at_high_frequencies


def profile_of(images_NCHW: Tensor, outputs: Outputs, what: str) -> Profile:
    """The power of some images relative to the held-out ones, over frequency."""
    [found] = ratios([images_NCHW], outputs.real)
    return Profile(
        found.decibels_K.float().numpy(),
        tuple(found.frequencies_K.tolist()),
        quantity=f"power of {what}",
        units="dB",
        axis="spatial frequency (cycles per pixel)",
        reference=0.0,
        reference_name="held-out images",
    )


def _window(height: int, width: int) -> Tensor:
    """Hann's window, without which the edges of images look like sharp details; (H, W) float64."""
    rows_H, columns_W = (torch.hann_window(n, dtype=torch.float64) for n in (height, width))
    return torch.outer(rows_H, columns_W)
