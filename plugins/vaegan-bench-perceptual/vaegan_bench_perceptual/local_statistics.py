"""The parts of structural similarity: statistics of two images in a window around each place."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from vaegan_bench.api import PluginError

WINDOW = 11
SIGMA = 1.5
RANGE = 2.0
"""Images are in [-1, 1]."""
C1, C2 = (0.01 * RANGE) ** 2, (0.03 * RANGE) ** 2
"""(K₁L)² and (K₂L)² with the K₁ and K₂ of Wang et al. (2004)."""


class Similarity(NamedTuple):
    """How alike two images are around each place; (B, C, H − 10, W − 10) each, at most 1."""

    luminance: Tensor
    """l of Wang et al. (2004, eq. 6)."""
    structure: Tensor
    """c·s of their eq. 9 and 10 with C₃ = C₂/2: one fraction then."""


def similarity(x_BCHW: Tensor, y_BCHW: Tensor) -> Similarity:
    """Luminance and structure of images in [-1, 1] at all places where the whole Gaussian window fits.

    SSIM is defined for intensities from zero up, so luminance reads pixels as x + 1 in [0, 2]. Raises `PluginError` for
    images smaller than the window.
    """
    if min(x_BCHW.shape[2:]) < WINDOW:
        raise PluginError(f"Structural similarity needs images of at least {WINDOW}×{WINDOW} pixels.")
    # Variances are small differences of means of squares, for which bfloat16 is too coarse.
    with torch.autocast(x_BCHW.device.type, enabled=False):
        mu_x, mu_y = smooth(x_BCHW), smooth(y_BCHW)
        var_x, var_y = smooth(x_BCHW.square()) - mu_x.square(), smooth(y_BCHW.square()) - mu_y.square()
        covariance = smooth(x_BCHW * y_BCHW) - mu_x * mu_y
    above_x, above_y = mu_x + 1, mu_y + 1
    luminance = (2 * above_x * above_y + C1) / (above_x.square() + above_y.square() + C1)
    return Similarity(luminance, (2 * covariance + C2) / (var_x + var_y + C2))


def smooth(x_BCHW: Tensor) -> Tensor:
    """The window's weighted mean at all places where it fits; (B, C, H − 10, W − 10)."""
    rows, columns = (_window_at_each_place(side, x_BCHW) for side in x_BCHW.shape[2:])
    return rows @ x_BCHW @ columns.T


def _window_at_each_place(side: int, like: Tensor) -> Tensor:
    """The Gaussian window at each of its places along a side; (side − 10, side), rows sum to 1."""
    along = torch.arange(side, device=like.device, dtype=like.dtype)
    distance = along - along[: side - WINDOW + 1, None] - WINDOW // 2
    weights = torch.exp(-0.5 * (distance / SIGMA).square()) * (distance.abs() <= WINDOW // 2)
    return weights / weights.sum(1, keepdim=True)
