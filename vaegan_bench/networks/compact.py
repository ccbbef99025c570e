"""Small networks that two CPU cores can train."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn

from vaegan_bench.api import ImageShape, Networks, PluginError


@dataclass(frozen=True, kw_only=True)
class Compact(Networks):
    """Small convolutional networks for CPUs, for square pictures of 16, 32, 64 or 128 pixels."""

    name = "compact"
    latent: int = 64
    width: int = 32
    """Channels at the highest resolution; they double with each halving, up to four times."""

    def build(self, role: str, shape: ImageShape, heads: int = 1) -> nn.Module:
        """Build encoder, decoder or discriminator."""
        widths = self._widths(shape)
        match role:
            case "encoder":
                return CompactEncoder(shape.channels, widths, self.latent)
            case "decoder":
                return CompactDecoder(heads * shape.channels, widths, self.latent)
            case "discriminator":
                return CompactDiscriminator(shape.channels, widths)
        raise PluginError(f"Networks 'compact' have no role '{role}': encoder, decoder, discriminator.")

    def _widths(self, shape: ImageShape) -> list[int]:
        stages = int(math.log2(shape.height)) - 2
        if shape.height != shape.width or shape.height not in (16, 32, 64, 128):
            raise PluginError(
                f"Networks 'compact' take square pictures of 16, 32, 64 or 128 pixels, not "
                f"{shape.height}×{shape.width}: choose another --size."
            )
        return [self.width * min(2**i, 4) for i in range(stages)]


def _halved(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 4, 2, padding=1, bias=False)


def _doubled(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(inputs, outputs, 4, 2, padding=1, bias=False)


class CompactEncoder(nn.Module):
    """x (B, C, H, W) → mu and logvar, (B, Z) each."""

    def __init__(self, channels: int, widths: list[int], latent: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise([channels, *widths]):
            layers += [_halved(inputs, outputs), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
        self.body = nn.Sequential(*layers, nn.Flatten())
        self.mu = nn.Linear(widths[-1] * 16, latent)
        self.logvar = nn.Linear(widths[-1] * 16, latent)

    def forward(self, x_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        """The posterior's parameters."""
        hidden = self.body(x_BCHW)
        return self.mu(hidden), self.logvar(hidden)


class CompactDecoder(nn.Module):
    """z (B, Z) → (B, channels, H, W), before the tanh."""

    def __init__(self, channels: int, widths: list[int], latent: int) -> None:
        super().__init__()
        up = widths[::-1]
        layers: list[nn.Module] = [nn.Linear(latent, up[0] * 16, bias=False), nn.Unflatten(1, (up[0], 4, 4))]
        layers += [nn.BatchNorm2d(up[0]), nn.ReLU(inplace=True)]
        for inputs, outputs in pairwise(up):
            layers += [_doubled(inputs, outputs), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
        layers += [nn.ConvTranspose2d(up[-1], channels, 4, 2, padding=1)]
        self.body = nn.Sequential(*layers)

    def forward(self, z_BZ: Tensor) -> Tensor:
        """The picture before its tanh."""
        picture: Tensor = self.body(z_BZ)
        return picture


class CompactDiscriminator(nn.Module):
    """x (B, C, H, W) → logits (B,) and Dis_l(x): the second convolution's output, before its norm."""

    def __init__(self, channels: int, widths: list[int]) -> None:
        super().__init__()
        first, second, *rest = widths
        self.below = nn.Sequential(
            nn.Conv2d(channels, first, 4, 2, padding=1), nn.LeakyReLU(0.2, inplace=True), _halved(first, second)
        )
        layers: list[nn.Module] = [nn.BatchNorm2d(second), nn.LeakyReLU(0.2, inplace=True)]
        for inputs, outputs in pairwise([second, *rest]):
            layers += [_halved(inputs, outputs), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2, inplace=True)]
        self.above = nn.Sequential(*layers, nn.Flatten(), nn.Linear(widths[-1] * 16, 1))

    def forward(self, x_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        """The logits, and the tapped convolution's output."""
        features: Tensor = self.below(x_BCHW)
        return self.above(features).squeeze(1), features
