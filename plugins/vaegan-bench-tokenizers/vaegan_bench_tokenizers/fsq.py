"""Finite scalar quantisation: every channel is rounded to one of a few levels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vaegan_bench.api import Codebook, LatentShape, PluginError, Quantiser

EPSILON = 1e-3
"""The share by which a bounded channel stays below the outermost rounding boundary, as in the paper's code."""


class FiniteScalars(Codebook):
    """The product of the levels of each channel; nothing is learned, and there is no commitment cost."""

    levels_D1: Tensor

    def __init__(self, levels: Sequence[int], places: int) -> None:
        super().__init__()
        self.entries, self.places = math.prod(levels), places
        self.register_buffer("levels_D1", torch.tensor(levels)[:, None])

    def forward(self, z_BZ: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The rounded code, its indices and a cost of 0; the gradient passes straight to the bounded code."""
        bounded_BGDP = self.bound(self._grouped(z_BZ))
        # In this order the value is the whole number itself, without a rounding error.
        rounded_BGDP = bounded_BGDP.detach().round() + (bounded_BGDP - bounded_BGDP.detach())
        code_BZ = (rounded_BGDP / self._half).flatten(1)
        return code_BZ, self._index(rounded_BGDP.detach()), z_BZ.new_zeros(len(z_BZ))

    def nearest(self, z_BZ: Tensor) -> Tensor:
        """The level nearest to each channel, for codes that are bounded already."""
        low_D1, high_D1 = -self._half, (self.levels_D1 - 1) // 2
        rounded_BGDP = (self._grouped(z_BZ) * self._half).round()
        return (torch.minimum(torch.maximum(rounded_BGDP, low_D1), high_D1) / self._half).flatten(1)

    def bound(self, z_BGDP: Tensor) -> Tensor:
        """f(z) = tanh(z + shift)·half − offset, whose range rounds to L whole numbers; 0 is mapped to 0."""
        half_D1 = (self.levels_D1 - 1) * (1 - EPSILON) / 2
        offset_D1 = torch.where(self.levels_D1 % 2 == 1, 0.0, 0.5)
        # The paper's listing has the tangent for the inverse of tanh, which hardly differs where L is above 2.
        return torch.tanh(z_BGDP + torch.tan(offset_D1 / half_D1)) * half_D1 - offset_D1

    @property
    def _half(self) -> Tensor:
        """⌊L/2⌋, the divisor of codes; (D, 1)."""
        return self.levels_D1 // 2

    def _grouped(self, z_BZ: Tensor) -> Tensor:
        """(B, groups, D channels of a group, places)."""
        z_BGDP: Tensor = z_BZ.unflatten(1, (-1, len(self.levels_D1), self.places))
        return z_BGDP

    def _index(self, rounded_BGDP: Tensor) -> Tensor:
        """The number whose digits are the levels, the first channel's last; (B, groups·places)."""
        digits_BGDP = rounded_BGDP.long() + self._half
        worth_D1 = self.levels_D1.cumprod(0) // self.levels_D1
        return (digits_BGDP * worth_D1).sum(2).flatten(1)


@dataclass(frozen=True, kw_only=True)
class FSQ(Quantiser):
    """Rounds each bounded channel to one of L levels: no code book to learn or to lose (Mentzer et al., 2024, §3.1)."""

    name = "fsq"
    levels: str = "8 5 5 5"
    """L of each channel, separated by spaces; more channels than these are quantised in groups of as many."""

    def __post_init__(self) -> None:
        self._levels()

    def build(self, shape: LatentShape) -> FiniteScalars:
        """A token for each group of channels at each place. Raises `PluginError` where groups do not come out even."""
        levels = self._levels()
        if shape.channels % len(levels):
            raise PluginError(
                f"Quantiser '{self}' takes {len(levels)} channels, or a multiple of them, and the networks have "
                f"{shape.channels}: give a level for each channel, or choose networks whose codes have as many."
            )
        return FiniteScalars(levels, shape.height * shape.width)

    def _levels(self) -> list[int]:
        """`levels` as numbers. Raises `ValueError` for anything but whole numbers from 2 up."""
        try:
            levels = [int(level) for level in self.levels.split()]
        except ValueError:
            levels = []
        if not levels or min(levels) < 2:
            raise ValueError(f"levels are whole numbers from 2 up, such as '8 5 5 5', not '{self.levels}'")
        return levels
