"""Resize images, with the same result on every machine."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import pad

from vaegan_bench.api import DataError, Progress

REPORTED = 1000
"""Images from one report of progress to the next."""


def at_size(images_NCHW: Tensor, size: int, description: str, progress: Progress) -> Tensor:
    """Images (N, C, H, H) as uint8 (N, C, size, size).

    Images of 28 pixels first get a black frame of two pixels, unless `size` is 28; at 32, their pixels are therefore
    the published ones. Other sizes are resized by bicubic interpolation, antialiased where they get smaller.
    Raises `DataError` for a size below 1.
    """
    if size < 1:
        raise DataError(f"Images have at least 1 pixel per side, not {size}.")
    if images_NCHW.shape[-1] == 28 != size:
        images_NCHW = pad(images_NCHW, (2, 2, 2, 2))
    if images_NCHW.shape[-1] == size:
        return images_NCHW.contiguous()
    return _resize(images_NCHW, size, description, progress)


def _resize(images_NCHW: Tensor, size: int, description: str, progress: Progress) -> Tensor:
    n, channels = images_NCHW.shape[:2]
    resized_NCHW = np.empty((n, channels, size, size), np.uint8)
    for i, image_CHW in enumerate(images_NCHW.numpy()):
        resized_NCHW[i] = _bicubic(image_CHW, size)
        if i % REPORTED == 0:
            progress(description, i, n)
    progress(description, n, n)
    return torch.from_numpy(resized_NCHW)


def _bicubic(image_CHW: npt.NDArray[np.uint8], size: int) -> npt.NDArray[np.uint8]:
    # Pillow computes in integers, so that all machines agree on every bit; torch does not promise that.
    pixels = image_CHW[0] if len(image_CHW) == 1 else image_CHW.transpose(1, 2, 0)
    resized = np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.BICUBIC))
    return resized.reshape(size, size, -1).transpose(2, 0, 1)
