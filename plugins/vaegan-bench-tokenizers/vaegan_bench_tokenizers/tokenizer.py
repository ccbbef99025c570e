"""Networks whose code is a grid, for two CPU cores."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from torch import Tensor, nn

from vaegan_bench.api import ImageShape, LatentShape, Networks, PluginError, at_least, refuse_conditions
from vaegan_bench.networks.compact import UpConvolution

SIZES = (32, 64, 128)


@dataclass(frozen=True, kw_only=True)
class Tokenizer(Networks):
    """Convolutional autoencoder with a grid of codes, and a discriminator of patches (Isola et al., 2017, §3.2.2).

    Group norm and SiLU as in the autoencoders of Esser et al. (2021) and Rombach et al. (2022), with one residual block
    and without attention. A grid of 8×8 is a factor f = 4 at 32 pixels, and f = 8 at 64.
    """

    name = "tokenizer"
    per_image = ("encoder", "decoder", "discriminator")
    last_layers: ClassVar = {"decoder": "last.weight"}
    channels: int = 4
    """Channels of the code at each place."""
    grid: int = 8
    """Places of the code along each side of the image: its size divided by the factor f."""
    width: int = 24
    """Channels at the highest resolution; they double per halving, up to fourfold."""

    def __post_init__(self) -> None:
        at_least(self, channels=1, grid=1, width=1)

    @property
    def latent(self) -> int:  # type: ignore[override]  # nobody sets it: it follows from the grid
        """Z, all channels of all places."""
        return math.prod(self.latent_shape)

    @property
    def latent_shape(self) -> LatentShape:
        """Channels, rows and columns of the code."""
        return LatentShape(self.channels, self.grid, self.grid)

    def build(self, role: str, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        """Build encoder, decoder or discriminator."""
        refuse_conditions(self, conditions)
        widths = _widths(self.width, self._halvings(shape))
        match role:
            case "encoder":
                return GridEncoder(shape.channels, widths, self.channels)
            case "decoder":
                return GridDecoder(heads * shape.channels, widths, self.latent_shape)
            case "discriminator":
                halvings = int(math.log2(shape.height)) - 4
                return PatchDiscriminator(shape.channels, _widths(self.width, halvings + 1))
        raise PluginError(f"Networks 'tokenizer' have no role '{role}': encoder, decoder, discriminator.")

    def _halvings(self, shape: ImageShape) -> int:
        """How many halvings lead from the image to the grid. Raises `PluginError` where none do."""
        factor, rest = divmod(shape.height, self.grid)
        if shape.height != shape.width or shape.height not in SIZES:
            raise PluginError(
                f"Networks 'tokenizer' take square images of 32, 64 or 128 pixels, not {shape.height}×{shape.width}: "
                "choose another --size."
            )
        if rest or factor < 2 or factor.bit_count() != 1:
            raise PluginError(
                f"Networks '{self}' cannot halve images of {shape.height} pixels to a grid of {self.grid}: "
                "choose a grid of half as many places as pixels, a quarter, and so on."
            )
        return factor.bit_length() - 1


def _widths(first: int, layers: int) -> list[int]:
    return [first * min(2**i, 4) for i in range(layers)]


def _norm_silu(channels: int) -> list[nn.Module]:
    """Group norm in groups of up to eight channels, so that each image is normalised by itself; then SiLU."""
    return [nn.GroupNorm(channels // math.gcd(channels, 8), channels), nn.SiLU()]


class ResidualBlock(nn.Module):
    """x + two convolutions of it, each after norm and SiLU (He et al., 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        first = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        second = nn.Conv2d(channels, channels, 3, padding=1)
        self.change = nn.Sequential(*_norm_silu(channels), first, *_norm_silu(channels), second)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Activations of the same shape."""
        changed: Tensor = x_BCHW + self.change(x_BCHW)
        return changed


class GridEncoder(nn.Module):
    """x (B, C, H, W) → mu and logvar, (B, Z) each: the channels of the code first, then rows and columns."""

    def __init__(self, inputs: int, widths: list[int], channels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for narrow, wide in pairwise([inputs, *widths]):
            layers += [nn.Conv2d(narrow, wide, 4, 2, padding=1, bias=False), *_norm_silu(wide)]
        self.body = nn.Sequential(*layers, ResidualBlock(widths[-1]), *_norm_silu(widths[-1]))
        self.mu = nn.Conv2d(widths[-1], channels, 1)
        self.logvar = nn.Conv2d(widths[-1], channels, 1)

    def forward(self, x_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        """The posterior's parameters."""
        hidden = self.body(x_BCHW)
        return self.mu(hidden).flatten(1), self.logvar(hidden).flatten(1)


class GridDecoder(nn.Module):
    """z (B, Z) → (B, channels, H, W), before the tanh: convolutions all the way, each place with its neighbours."""

    def __init__(self, outputs: int, widths: list[int], shape: LatentShape) -> None:
        super().__init__()
        self.shape, up = shape, widths[::-1]
        layers: list[nn.Module] = [nn.Conv2d(shape.channels, up[0], 3, padding=1), ResidualBlock(up[0])]
        layers += _norm_silu(up[0])
        for wide, narrow in pairwise(up):
            layers += [UpConvolution(wide, narrow, 3, padding=1, bias=False), *_norm_silu(narrow)]
        self.body = nn.Sequential(*layers)
        self.last = UpConvolution(up[-1], outputs, 3, padding=1)

    def forward(self, z_BZ: Tensor) -> Tensor:
        """The image before its tanh."""
        image: Tensor = self.last(self.body(z_BZ.unflatten(1, self.shape)))
        return image


class PatchDiscriminator(nn.Module):
    """x (B, C, H, W) → logits (B, P) of overlapping patches and Dis_l(x), the output of the second convolution.

    Convolutions with stride 2 lead to 16×16 places, two more to 14×14 patches of half an image at 32 and 64 pixels. The
    paper has batch norm; here there is none, as in `compact`: the verdict on one image depends on no other.
    """

    def __init__(self, inputs: int, widths: list[int]) -> None:
        super().__init__()
        strides = [2] * (len(widths) - 1) + [1]
        convolutions = [
            nn.Conv2d(narrow, wide, 4, stride, padding=1)
            for (narrow, wide), stride in zip(pairwise([inputs, *widths]), strides, strict=True)
        ]
        first, second, *rest = convolutions
        self.below = nn.Sequential(first, nn.LeakyReLU(0.2, inplace=True), second)
        layers: list[nn.Module] = [nn.LeakyReLU(0.2)]  # not in place: the tapped activations must stay
        for convolution in rest:
            layers += [convolution, nn.LeakyReLU(0.2, inplace=True)]
        self.above = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, padding=1), nn.Flatten())

    def forward(self, x_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        """A logit for each patch, and the tapped convolution's output."""
        features: Tensor = self.below(x_BCHW)
        return self.above(features), features
