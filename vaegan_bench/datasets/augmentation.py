"""Vary training images on their device, a whole batch at once: mirrored, moved, recoloured."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

Augmentation = Literal["flip", "paper", "none"]


class Jitter(NamedTuple):
    """Standard deviations of random changes, each normally distributed."""

    translation: float
    """As a share of the image's side, to the right and down."""
    scale: float
    """Of the factor, around 1."""
    rotation: float
    """Radians."""
    gamma: float
    """Of ln 2 · ln(exponent), for an exponent on all channels; the mean is this number squared."""
    contrast: float
    """The same for an exponent on saturation and value."""
    hue: float
    """Turns."""


def vary(x_BCHW: Tensor, how: Augmentation, jitter: Jitter, noise: torch.Generator) -> Tensor:
    """Apply no augmentation, mirror with probability ½, or, for 'paper', jitter and then mirror."""
    if how == "none":
        return x_BCHW
    return mirror(jitter_images(x_BCHW, jitter, noise) if how == "paper" else x_BCHW, noise)


def mirror(x_BCHW: Tensor, noise: torch.Generator) -> Tensor:
    """Mirror each image with probability ½."""
    flipped_B = torch.rand(len(x_BCHW), generator=noise, device=noise.device) < 0.5
    return torch.where(flipped_B.to(x_BCHW.device)[:, None, None, None], x_BCHW.flip(-1), x_BCHW)


def jitter_images(x_BCHW: Tensor, jitter: Jitter, noise: torch.Generator) -> Tensor:
    """Move and recolour RGB images in [-1, 1], each by random numbers of its own."""
    normal_7B = torch.randn(7, len(x_BCHW), generator=noise, device=noise.device).to(x_BCHW.device)
    right, down, scale, rotation, gamma, contrast, hue = normal_7B
    shift = jitter.translation * right, jitter.translation * down
    moved = _move(x_BCHW, *shift, 1 + jitter.scale * scale, jitter.rotation * rotation)
    exponents = _exponent(jitter.gamma, gamma), _exponent(jitter.contrast, contrast)
    return _recolour(moved.add(1).div(2).clamp(0, 1), *exponents, jitter.hue * hue).mul(2).sub(1)


def _exponent(deviation: float, normal_B: Tensor) -> Tensor:
    return torch.exp((deviation**2 + deviation * normal_B) / math.log(2))


def _move(x_BCHW: Tensor, right_B: Tensor, down_B: Tensor, scale_B: Tensor, rotation_B: Tensor) -> Tensor:
    """Shift, scale and rotate about the image's centre, bicubic; beyond the edge, its pixels are repeated."""
    cos, sin = rotation_B.cos() / scale_B, rotation_B.sin() / scale_B
    # The grid holds the place that each new pixel comes from, in units of half a side.
    across = torch.stack([cos, sin, -2 * (cos * right_B + sin * down_B)], 1)
    along = torch.stack([-sin, cos, -2 * (cos * down_B - sin * right_B)], 1)
    grid = F.affine_grid(torch.stack([across, along], 1), list(x_BCHW.shape), align_corners=False)
    return F.grid_sample(x_BCHW, grid, mode="bicubic", padding_mode="border", align_corners=False)


def _recolour(x_BCHW: Tensor, gamma_B: Tensor, contrast_B: Tensor, hue_B: Tensor) -> Tensor:
    """Images in [0, 1]: an exponent on all channels, one on saturation and value, and a turn of the hue."""
    gamma, contrast, turn = (numbers_B[:, None, None] for numbers_B in (gamma_B, contrast_B, hue_B))
    hue, saturation, value = _to_hsv(x_BCHW.pow(gamma[:, None]))
    return _to_rgb(hue + turn, saturation.pow(contrast), value.pow(contrast))


def _to_hsv(x_BCHW: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Hue in turns, saturation and value; (B, H, W) each."""
    red, green, blue = x_BCHW.unbind(1)
    value = x_BCHW.amax(1)
    spread = value - x_BCHW.amin(1)
    unit = spread.clamp_min(1e-8)
    warm = torch.where(value == red, (green - blue) / unit, 2 + (blue - red) / unit)
    sixths = torch.where((value == blue) & (value != red), 4 + (red - green) / unit, warm)
    return sixths / 6, spread / value.clamp_min(1e-8), value


def _to_rgb(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """The inverse of `_to_hsv`, by the piecewise linear form in which all three channels are one formula."""
    channels = []
    for shift in (5, 3, 1):
        place = (shift + 6 * hue) % 6
        channels.append(value - value * saturation * torch.minimum(place, 4 - place).clamp(0, 1))
    return torch.stack(channels, 1)
