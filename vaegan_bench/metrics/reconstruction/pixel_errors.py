"""How well held-out images survive encoding and decoding, pixel by pixel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from vaegan_bench.api import BenchError, Direction, Measurement, Metric, Outputs
from vaegan_bench.metrics.features.sets import Protocol

BLOCK = 256
"""Images that are compared at a time."""
SIGMA = 1.5
WINDOW = 11
C1, C2 = 0.01**2, 0.03**2
"""Wang et al. (2004): (K₁L)² and (K₂L)² with K₁ = .01, K₂ = .03 and L = 1, the range of the data."""


def mean_squared_error(x_NCHW: Tensor, y_NCHW: Tensor) -> Tensor:
    """The mean over pixels and channels of (x − y)²; (N,)."""
    return (x_NCHW - y_NCHW).square().flatten(1).mean(1)


def mean_absolute_error(x_NCHW: Tensor, y_NCHW: Tensor) -> Tensor:
    """The mean over pixels and channels of |x − y|; (N,)."""
    return (x_NCHW - y_NCHW).abs().flatten(1).mean(1)


def peak_signal_to_noise(x_NCHW: Tensor, y_NCHW: Tensor) -> Tensor:
    """−10 log₁₀ MSE in decibels; (N,).

    Equal images count as one level of 255 off in one value, the least that 8-bit images can differ,
    so that the mean stays finite.
    """
    least = 1 / (255**2 * x_NCHW[0].numel())
    return -10 * mean_squared_error(x_NCHW, y_NCHW).clamp(min=least).log10()


def structural_similarity(x_NCHW: Tensor, y_NCHW: Tensor) -> Tensor:
    """SSIM with a Gaussian window (Wang et al., 2004, eq. 13), mean over places and channels; (N,) in [-1, 1].

    Only places where the whole 11 × 11 window (σ = 1.5) is inside the image count; population covariances.
    Raises `BenchError` for images smaller than the window.
    """
    if min(x_NCHW.shape[2:]) < WINDOW:
        raise BenchError(f"SSIM needs images of at least {WINDOW}x{WINDOW} pixels.")
    mu_x, mu_y = smooth(x_NCHW), smooth(y_NCHW)
    var_x, var_y = smooth(x_NCHW.square()) - mu_x.square(), smooth(y_NCHW.square()) - mu_y.square()
    covariance = smooth(x_NCHW * y_NCHW) - mu_x * mu_y
    luminance = (2 * mu_x * mu_y + C1) / (mu_x.square() + mu_y.square() + C1)
    structure = (2 * covariance + C2) / (var_x + var_y + C2)
    return (luminance * structure).flatten(1).mean(1)


def smooth(x_NCHW: Tensor) -> Tensor:
    """The window's weighted mean at all places where it fits: (N, C, H − 10, W − 10)."""
    rows, columns = (_windows(side).to(x_NCHW) for side in x_NCHW.shape[2:])
    return rows @ x_NCHW @ columns.T


def _windows(side: int) -> Tensor:
    """The Gaussian window at each of its places along a side; (side − 10, side), rows sum to 1."""
    weights = torch.exp(-0.5 * (torch.arange(WINDOW).double() - WINDOW // 2).square() / SIGMA**2)
    places = torch.arange(side - WINDOW + 1)[:, None] + torch.arange(WINDOW)
    return torch.zeros(len(places), side).double().scatter_(1, places, (weights / weights.sum()).expand(places.shape))


ROWS: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], Direction, str]] = {
    "mse": (mean_squared_error, "lower", "1"),
    "mae": (mean_absolute_error, "lower", "1"),
    "psnr": (peak_signal_to_noise, "higher", "dB"),
    "ssim": (structural_similarity, "higher", "1"),
}


@dataclass(frozen=True, kw_only=True)
class Reconstruction(Metric):
    """Mean MSE, MAE, PSNR and SSIM (Wang et al., 2004) of held-out images decoded from their posterior means.

    Four rows, on images in [0, 1] as 8 bits store them; none for a model without an encoder, and no SSIM of images that
    are smaller than its window of 11 × 11.
    """

    name: ClassVar[str] = "reconstruction"
    family: ClassVar[str] = "reconstruction"
    headline: ClassVar[Mapping[str, str]] = {"psnr": "pixels of reconstructions"}
    needs_model: ClassVar[bool] = True
    pairs_suffice: ClassVar[bool] = True

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        """Measure."""
        if outputs.reconstructions is None:
            return []
        values = mean_scores(outputs.real, outputs.reconstructions)
        protocol: Protocol = {"n_real": len(outputs.real), "dtype": "float64"}
        return [Measurement(row, value, ROWS[row][1], ROWS[row][2], protocol) for row, value in values.items()]


def mean_scores(real_NCHW: Tensor, reconstructed_NCHW: Tensor) -> dict[str, float]:
    """The mean over images of each row's score, from uint8 images of one shape, on the CPU in float64.

    Without SSIM where images are smaller than its window.
    """
    rows = [row for row in ROWS if row != "ssim" or min(real_NCHW.shape[2:]) >= WINDOW]
    blocks = zip(real_NCHW.cpu().split(BLOCK), reconstructed_NCHW.cpu().split(BLOCK), strict=True)
    pairs = ((x.double() / 255, y.double() / 255) for x, y in blocks)
    scores_RN = [torch.stack([ROWS[row][0](x, y) for row in rows]) for x, y in pairs]
    return dict(zip(rows, torch.cat(scores_RN, dim=1).mean(1).tolist(), strict=True))
