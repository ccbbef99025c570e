"""Differentiable augmentation: colour, translation, cutout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vaegan_bench.api import DiscriminatorAugmentation, at_least


@dataclass(frozen=True, kw_only=True)
class DiffAugment(DiscriminatorAugmentation):
    """Changes colours, moves images, and cuts squares out of them (Zhao et al., 2020, §3.2)."""

    name = "diffaugment"
    strength: float = 1.0
    """Multiplies the width of all ranges below; 1 is the paper's."""
    colour: bool = True
    """Whether brightness changes by up to ±0.5, saturation by a factor of 0 to 2, contrast by one of 0.5 to 1.5."""
    translation: float = 0.125
    """The largest move in each direction, as a share of the image's side; grey (0) moves in."""
    cutout: float = 0.5
    """The side of the grey square that covers a part of the image, as a share of the image's side."""

    def __post_init__(self) -> None:
        at_least(self, strength=0, translation=0, cutout=0)

    def __call__(self, images_BCHW: Sequence[Tensor], noise: torch.Generator) -> list[Tensor]:
        """Colour, then translation, then cutout; image i of every batch is changed by the same random numbers."""
        first = images_BCHW[0]
        u_7B1 = torch.rand((7, len(first), 1), generator=noise, device=first.device)
        height, width = first.shape[2:]
        rows_BHH = shift(u_7B1[3], height, self.strength * self.translation)
        columns_BWW = shift(u_7B1[4], width, self.strength * self.translation)
        cut = self.strength * self.cutout
        kept_B1HW = ~(cover(u_7B1[5], height, cut)[:, :, None] & cover(u_7B1[6], width, cut)[:, None])[:, None]
        augmented = []
        for x in images_BCHW:
            coloured = recolour(x, self.strength * (2 * u_7B1[:3, :, :, None, None] - 1)) if self.colour else x
            augmented.append(move(coloured, rows_BHH, columns_BWW) * kept_B1HW)
        return augmented


def recolour(x_BCHW: Tensor, u_3B111: Tensor) -> Tensor:
    """Brightness ±½, saturation × (1 ± 1), contrast × (1 ± ½), for u between −1 and 1."""
    brightness, saturation, contrast = u_3B111.to(x_BCHW.dtype).unbind()
    x = x_BCHW + 0.5 * brightness
    x = x + saturation * (x - x.mean(1, keepdim=True))
    return x + 0.5 * contrast * (x - x.mean((1, 2, 3), keepdim=True))


def shift(u_B1: Tensor, size: int, share: float) -> Tensor:
    """Matrices that move a column of pixels by up to ± `share` of its length, in whole pixels; (B, size, size)."""
    most = int(size * share + 0.5)
    moves_B1 = (u_B1 * (2 * most + 1)).floor() - most
    places = torch.arange(size, device=u_B1.device)
    return places[:, None] == places + moves_B1[:, :, None]


def move(x_BCHW: Tensor, rows_BHH: Tensor, columns_BWW: Tensor) -> Tensor:
    """Move images by products with matrices: with indexing, a GPU would sum gradients in an order that may change."""
    with torch.autocast(x_BCHW.device.type, enabled=False):
        x = x_BCHW.float() if x_BCHW.dtype == torch.bfloat16 else x_BCHW
        moved: Tensor = rows_BHH[:, None].to(x.dtype) @ x @ columns_BWW[:, None].to(x.dtype).mT
    return moved


def cover(u_B1: Tensor, size: int, share: float) -> Tensor:
    """Which pixels along a side are under a cut of `share` of it, whose centre is anywhere in the image; (B, size)."""
    length = int(size * share + 0.5)
    start_B1 = (u_B1 * (size + 1 - length % 2)).floor() - length // 2
    places = torch.arange(size, device=u_B1.device)
    return (places >= start_B1) & (places < start_B1 + length)
