"""How well held-out images survive encoding and decoding, pixel by pixel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from vaegan_bench.api import Direction, Measurement, Metric, Outputs
from vaegan_bench.metrics.measures.feature_sets import Protocol
from vaegan_bench.metrics.measures.pixel_errors import (
    mean_absolute_error,
    mean_squared_error,
    peak_signal_to_noise,
    structural_similarity,
)

BLOCK = 256
ROWS: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], Direction, str]] = {
    "mse": (mean_squared_error, "lower", "1"),
    "mae": (mean_absolute_error, "lower", "1"),
    "psnr": (peak_signal_to_noise, "higher", "dB"),
    "ssim": (structural_similarity, "higher", "1"),
}


@dataclass(frozen=True, kw_only=True)
class Reconstruction(Metric):
    """Mean MSE, MAE, PSNR and SSIM (Wang et al., 2004) of held-out images decoded from their posterior means.

    Four rows, on images in [0, 1] as 8 bits store them; none for a model without an encoder.
    """

    name: ClassVar[str] = "reconstruction"
    family: ClassVar[str] = "reconstruction"
    needs_model: ClassVar[bool] = True

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        """Measure; raises `BenchError` for images smaller than SSIM's window of 11 × 11."""
        if outputs.reconstructions is None:
            return []
        values = mean_scores(outputs.real, outputs.reconstructions)
        protocol: Protocol = {"n_real": len(outputs.real), "dtype": "float64"}
        return [Measurement(row, values[row], ROWS[row][1], ROWS[row][2], protocol) for row in ROWS]


def mean_scores(real_NCHW: Tensor, reconstructed_NCHW: Tensor) -> dict[str, float]:
    """The mean over images of each row's score, from uint8 images of one shape, on the CPU in float64."""
    blocks = zip(real_NCHW.cpu().split(BLOCK), reconstructed_NCHW.cpu().split(BLOCK), strict=True)
    pairs = ((x.double() / 255, y.double() / 255) for x, y in blocks)
    scores_R4 = [torch.stack([score(x, y) for score, *_ in ROWS.values()]) for x, y in pairs]
    return dict(zip(ROWS, torch.cat(scores_R4, dim=1).mean(1).tolist(), strict=True))
