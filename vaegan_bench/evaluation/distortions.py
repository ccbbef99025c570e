"""Distortions of images by known amounts, from which the marks of a ruler for distances are made.

Each takes uint8 images (N, C, H, W), a level and a source of randomness, and returns images of the same kind.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

Distort = Callable[[Tensor, float, torch.Generator], Tensor]
PART = 512
"""The number of images that are distorted at a time in float32."""
FIELD = 4
"""Knots per side of a field of elastic shifts."""
STEPS = 100
"""Steps of the power iteration that finds the first principal direction."""
LEARNED_FROM = 2048
"""The most images from which that direction is found."""


def leave(images_NCHW: Tensor, level: float, noise: torch.Generator) -> Tensor:
    """The images as they are."""
    return images_NCHW


def blur(images_NCHW: Tensor, sigma: float, noise: torch.Generator) -> Tensor:
    """A Gaussian blur of `sigma` pixels; the border is repeated outwards."""
    reach = math.ceil(4 * sigma)
    weights = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    kernel = weights / weights.sum()

    def blur_part(x_NCHW: Tensor) -> Tensor:
        flat = F.pad(x_NCHW.flatten(0, 1)[:, None], [reach] * 4, mode="replicate")
        rows = F.conv2d(flat, kernel.view(1, 1, -1, 1))
        return F.conv2d(rows, kernel.view(1, 1, 1, -1)).view_as(x_NCHW)

    return _in_parts(images_NCHW, blur_part)


def add_noise(images_NCHW: Tensor, sigma: float, noise: torch.Generator) -> Tensor:
    """Gaussian noise of `sigma` of 255 levels, independent in every channel of every pixel."""
    return _in_parts(images_NCHW, lambda x_NCHW: x_NCHW + sigma * torch.randn(x_NCHW.shape, generator=noise))


def compress(images_NCHW: Tensor, quality: float, noise: torch.Generator) -> Tensor:
    """JPEG of a `quality` between 1 and 95, with Pillow's usual halved colour resolution."""
    squeezed = [_through_jpeg(image.permute(1, 2, 0).numpy(), int(quality)) for image in images_NCHW]
    return torch.stack(squeezed).permute(0, 3, 1, 2).contiguous()


def add_ghosts(images_NCHW: Tensor, share: float, noise: torch.Generator) -> Tensor:
    """Each image mixed with another one, whose weight is `share`; ½ is the mean of both."""
    others_NCHW = images_NCHW[_others(len(images_NCHW), noise)]
    return _in_parts(images_NCHW, lambda x, other: (1 - share) * x + share * other.float(), others_NCHW)


def warp(images_NCHW: Tensor, pixels: float, noise: torch.Generator) -> Tensor:
    """Each image warped by a smooth random field of shifts whose root mean square length is `pixels`."""
    height, width = images_NCHW.shape[2:]
    rows_H1, columns_1W = torch.arange(height)[:, None], torch.arange(width)[None]
    places_HW2 = torch.stack([columns_1W.expand(height, -1), rows_H1.expand(-1, width)], -1)

    def warp_part(x_NCHW: Tensor, knots_N2KK: Tensor) -> Tensor:
        field_N2HW = F.interpolate(knots_N2KK, (height, width), mode="bicubic", align_corners=True)
        length_N = field_N2HW.square().sum(1).mean((1, 2)).sqrt()
        shift_NHW2 = (pixels * field_N2HW / length_N[:, None, None, None]).permute(0, 2, 3, 1)
        grid_NHW2 = (2 * (places_HW2 + shift_NHW2) + 1) / torch.tensor([width, height]) - 1
        return F.grid_sample(x_NCHW, grid_NHW2, padding_mode="border", align_corners=False)

    return _in_parts(images_NCHW, warp_part, torch.randn(len(images_NCHW), 2, FIELD, FIELD, generator=noise))


def tint(images_NCHW: Tensor, amount: float, noise: torch.Generator) -> Tensor:
    """All images warmer by `amount` of 255 levels: red is raised and blue lowered; grey images become lighter."""
    cast = torch.tensor([1.0, 0.0, -1.0] if images_NCHW.shape[1] == 3 else [1.0])
    return _in_parts(images_NCHW, lambda x_NCHW: x_NCHW + amount * cast[:, None, None])


def swap_halves(images_NCHW: Tensor, share: float, noise: torch.Generator) -> Tensor:
    """The lower halves exchanged among a random `share` of the images, none of which keeps its own."""
    chosen_K = torch.randperm(len(images_NCHW), generator=noise)[: round(share * len(images_NCHW))]
    middle = images_NCHW.shape[2] // 2
    swapped_NCHW = images_NCHW.clone()
    swapped_NCHW[chosen_K, :, middle:] = images_NCHW[chosen_K.roll(1), :, middle:]
    return swapped_NCHW


def drop_modes(images_NCHW: Tensor, share: float, noise: torch.Generator) -> Tensor:
    """The images without the `share` of them that is lowest along the first principal direction of their pixels.

    They are replaced by repeats of the others: the number of images stays the same.
    """
    order_N = _along_first_direction(images_NCHW, noise).argsort(stable=True)
    missing = round(share * len(images_NCHW))
    kept_K = order_N[missing:]
    again = torch.randperm(len(kept_K), generator=noise).repeat(math.ceil(len(images_NCHW) / len(kept_K)))[:missing]
    which_N = torch.cat([kept_K, kept_K[again]])
    return images_NCHW[which_N]


def _in_parts(images_NCHW: Tensor, change: Callable[..., Tensor], *beside: Tensor) -> Tensor:
    """Images changed in float32, a part of them at a time; `change` also takes their part of each tensor `beside`."""
    parts = zip(images_NCHW.split(PART), *(each.split(PART) for each in beside), strict=True)
    return torch.cat([_to_uint8(change(x.float(), *others)) for x, *others in parts])


def _to_uint8(x_NCHW: Tensor) -> Tensor:
    return x_NCHW.round().clamp(0, 255).to(torch.uint8)


def _through_jpeg(image_HWC: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], quality: int) -> Tensor:
    stream, grey = io.BytesIO(), image_HWC.shape[2] == 1
    Image.fromarray(image_HWC[..., 0] if grey else image_HWC).save(stream, "JPEG", quality=quality)
    with Image.open(stream) as image:
        found = torch.from_numpy(np.array(image))
    return found[..., None] if grey else found


def _others(n: int, noise: torch.Generator) -> Tensor:
    """For each of n images the index of another one, chosen at random, (N,)."""
    order_N = torch.randperm(n, generator=noise)
    other_N = torch.empty_like(order_N)
    other_N[order_N] = order_N.roll(1)
    return other_N


def _along_first_direction(images_NCHW: Tensor, noise: torch.Generator) -> Tensor:
    """(N,) coordinates of images along the first principal direction of their pixels, in float64.

    It is found by power iteration on the first `LEARNED_FROM` images.
    """
    x_ND = images_NCHW[:LEARNED_FROM].flatten(1).double()
    mean_D = x_ND.mean(0)
    x_ND -= mean_D
    direction_D = torch.randn(x_ND.shape[1], generator=noise, dtype=torch.float64)
    for _ in range(STEPS):
        direction_D = F.normalize(x_ND.T @ (x_ND @ direction_D), dim=0)
    return torch.cat([(part.flatten(1).double() - mean_D) @ direction_D for part in images_NCHW.split(PART)])
