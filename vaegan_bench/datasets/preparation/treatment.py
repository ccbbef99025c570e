"""From the content of an image file to its pixels at one size: crop, blur, resize; imports no torch."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from vaegan_bench.datasets.preparation.decoding import decode_file

Pixels = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int]
"""Left, upper, right and lower edge; the pixels at the right and lower edge are outside."""

REACH = 4
"""Standard deviations at which the Gaussian is cut off, to the nearest pixel; as in SciPy."""


class Treatment(NamedTuple):
    """How every image of a preparation is cropped and resized."""

    size: int
    """Pixels on a side of the result."""
    box: Box | None = None
    """The square that is cut out. None: the largest square in the middle."""
    of: tuple[int, int] | None = None
    """The width and height that every image must have for the box to make sense. None: any."""
    blur: float | None = None
    """σ of a Gaussian, in pixels of the crop, before plain bicubic interpolation. None: antialiased bicubic."""


def treat(content: bytes, treatment: Treatment) -> Pixels:
    """The image of a file as RGB, cropped and resized; (3, size, size). Damaged content raises errors of many types."""
    image = decode_file(content)
    if treatment.of not in (None, image.size):
        raise ValueError(f"it has {'×'.join(map(str, image.size))} pixels, not {'×'.join(map(str, treatment.of))}")
    crop = image.crop(treatment.box or _middle(image.size))
    if treatment.blur is not None:
        return _blur(np.asarray(crop, np.float32), treatment.size, treatment.blur)
    pixels_HWC = np.asarray(crop.resize((treatment.size, treatment.size), Image.Resampling.BICUBIC))
    return np.ascontiguousarray(pixels_HWC.transpose(2, 0, 1))


def _middle(size: tuple[int, int]) -> Box:
    side = min(size)
    left, upper = ((length - side) // 2 for length in size)
    return left, upper, left + side, upper + side


def _blur(crop_HWC: npt.NDArray[np.float32], size: int, sigma: float) -> Pixels:
    """Gaussian blur and bicubic interpolation in one pass per axis; the crop's edge is repeated beyond it."""
    # Not a matrix product: libraries compute it in threads, and round differently on each machine.
    rows_HWC = _along_first(crop_HWC, size, sigma)
    pixels_WHC = _along_first(np.ascontiguousarray(rows_HWC.transpose(1, 0, 2)), size, sigma)
    return np.ascontiguousarray(np.rint(pixels_WHC).clip(0, 255).astype(np.uint8).transpose(2, 1, 0))


def _along_first(image: npt.NDArray[np.float32], size: int, sigma: float) -> npt.NDArray[np.float32]:
    places, weights = _taps(len(image), size, sigma)
    total = np.zeros((size, *image.shape[1:]), np.float32)
    for place, weight in zip(places, weights[:, :, None, None], strict=True):
        total += weight * image[place]
    return total


@cache
def _taps(length: int, size: int, sigma: float) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Which pixels of a line make each of `size` new ones, and their weights; (taps, size) both."""
    centres = (np.arange(size) + 0.5) * length / size - 0.5
    first = np.floor(centres).astype(np.int64) - 1
    radius = int(REACH * sigma + 0.5)
    gaussian = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    cubic = _keys(centres - (first + np.arange(4)[:, None]))
    weights = np.array([np.convolve(line, gaussian / gaussian.sum()) for line in cubic.T]).T
    places = first - radius + np.arange(len(weights))[:, None]
    return places.clip(0, length - 1), weights.astype(np.float32)


def _keys(distance: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The cubic convolution kernel with a = −½ (Keys, 1981, eq. 15)."""
    d = np.abs(distance)
    near, far = (1.5 * d - 2.5) * d * d + 1, ((-0.5 * d + 2.5) * d - 4) * d + 2
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))
