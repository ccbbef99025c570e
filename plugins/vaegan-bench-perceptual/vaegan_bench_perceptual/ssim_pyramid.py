"""Structural similarity at several scales, for images too small for the five of the paper."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from vaegan_bench.api import Prediction, ReconstructionLoss
from vaegan_bench_perceptual.local_statistics import WINDOW, similarity

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""From fine to coarse (Wang et al., 2003, section 3.2)."""
FLOOR = 0.01
"""The least value of a factor: powers of negative ones are undefined, and at zero a power has no finite gradient."""


def scales_of(shorter_side: int) -> int:
    """How many scales, each half the one before it, have room for the window; from one to five."""
    return max(1, sum(shorter_side >> halvings >= WINDOW for halvings in range(len(WEIGHTS))))


def pyramid_similarity(x_BCHW: Tensor, y_BCHW: Tensor) -> Tensor:
    """The product over scales of structure^weight, with luminance at the coarsest (Wang et al., 2003, eq. 7).

    As many scales as fit, with the paper's weights for these, renormalised to sum to 1; each is half the one before it,
    by means of 2×2 pixels. Factors are means over places; their product is averaged over channels; (B,).
    """
    # On Apple's GPUs the gradient of avg_pool2d is wrong for channels last (pytorch/pytorch#175190).
    x_BCHW, y_BCHW = x_BCHW.contiguous(), y_BCHW.contiguous()
    scales = scales_of(min(x_BCHW.shape[2:]))
    factors = []
    for halvings in range(scales):
        if halvings > 0:
            x_BCHW, y_BCHW = avg_pool2d(x_BCHW, 2), avg_pool2d(y_BCHW, 2)
        luminance, structure = similarity(x_BCHW, y_BCHW)
        factor = luminance * structure if halvings == scales - 1 else structure
        factors.append(factor.mean((2, 3)))
    weights_S = x_BCHW.new_tensor(WEIGHTS[:scales])
    factors_BCS = torch.stack(factors, dim=2).clamp(min=FLOOR)
    return (factors_BCS ** (weights_S / weights_S.sum())).prod(2).mean(1)


@dataclass(frozen=True, kw_only=True)
class SSIMPyramid(ReconstructionLoss):
    """1 − SSIM over as many scales as fit (after Wang et al., 2003, eq. 7), times the number of values.

    Two scales at 32 pixels, three at 64; its values are not those of MS-SSIM, which has five.
    """

    name = "ssim-pyramid"
    pixels_only = True

    def __call__(self, prediction: Prediction, target: Tensor) -> Tensor:
        """(1 − similarity)·C·H·W; from 0 for equal images; (B,).

        Raises `PluginError` for images smaller than the window.
        """
        return (1 - pyramid_similarity(prediction.mean, target)) * target[0].numel()
