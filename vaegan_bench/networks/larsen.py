"""The networks of Larsen et al. (2016)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from vaegan_bench.api import ImageShape, Networks, PluginError, at_least
from vaegan_bench.networks.conditions import append_attributes


class Widths(NamedTuple):
    """Channels per layer at one image size."""

    encoder: tuple[int, int, int]
    decoder: tuple[int, int, int, int]
    """The first is the number of channels of the fully connected layer's output."""
    discriminator: tuple[int, int, int, int]
    tap: int
    """Dis_l is the output of this convolution of the discriminator, before its batch norm."""


WIDTHS = {
    64: Widths((64, 128, 256), (256, 256, 128, 32), (32, 128, 256, 256), tap=3),
    32: Widths((64, 128, 256), (256, 192, 128, 32), (32, 128, 192, 256), tap=2),
}


@dataclass(frozen=True, kw_only=True)
class Larsen(Networks):
    """The networks of Larsen et al. (2016, table of architectures, and their code), for images of 64 or 32 pixels."""

    name = "larsen"
    last_layers: ClassVar = {"decoder": "last.weight"}
    latent: int = 128
    hidden: int = 1024
    """Units of the encoder's fully connected layer: 1024 in the code, 2048 in the paper's table."""

    def __post_init__(self) -> None:
        at_least(self, latent=1, hidden=1)

    def build(self, role: str, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        """Build encoder, decoder or discriminator for square images of 64 or 32 pixels."""
        with torch.random.fork_rng(devices=[]):  # torch's own draws, whose number depends on the last layer's size
            network = self._network(role, shape, heads, conditions)
        return network.apply(initialise)

    def _network(self, role: str, shape: ImageShape, heads: int, conditions: int) -> nn.Module:
        widths = self._widths(shape)
        match role:
            case "encoder":
                return LarsenEncoder(shape, widths, self.hidden, self.latent, conditions)
            case "decoder":
                return LarsenDecoder(shape, widths, self.latent + conditions, heads)
            case "discriminator":
                return LarsenDiscriminator(shape, widths, conditions)
        raise PluginError(f"Networks 'larsen' have no role '{role}': encoder, decoder, discriminator.")

    def _widths(self, shape: ImageShape) -> Widths:
        if shape.height != shape.width or shape.height not in WIDTHS:
            raise PluginError(
                f"Networks 'larsen' are defined at 32×32 and 64×64, not at {shape.height}×{shape.width}: "
                "choose --size 32 or 64, or --networks compact."
            )
        return WIDTHS[shape.height]


def initialise(module: nn.Module) -> None:
    """Weights uniform in ±1/√(3n), biases 0, as in the authors' code.

    n is the number of inputs of an output; for transposed convolutions, which hold their weights the other way round,
    it is the number of outputs times the kernel.
    """
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        bound = 1 / math.sqrt(3 * module.weight[0].numel())
        nn.init.uniform_(module.weight, -bound, bound)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _convolution(inputs: int, outputs: int, stride: int = 2) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 5, stride, padding=2, bias=False)


def _up_convolution(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(inputs, outputs, 5, 2, padding=2, output_padding=1, bias=False)


def _norm_relu(channels: int, flat: bool = False) -> list[nn.Module]:
    norm = nn.BatchNorm1d if flat else nn.BatchNorm2d
    return [norm(channels, eps=1e-6), nn.ReLU(inplace=True)]


class LarsenEncoder(nn.Module):
    """x (B, C, H, W) → mu and logvar, (B, Z) each."""

    def __init__(self, shape: ImageShape, widths: Widths, hidden: int, latent: int, conditions: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise((shape.channels, *widths.encoder)):
            layers += [_convolution(inputs, outputs), *_norm_relu(outputs)]
        flat = widths.encoder[-1] * (shape.height // 8) * (shape.width // 8)
        self.body = nn.Sequential(*layers, nn.Flatten())
        self.top = nn.Sequential(nn.Linear(flat + conditions, hidden, bias=False), *_norm_relu(hidden, flat=True))
        self.mu = nn.Linear(hidden, latent)
        self.logvar = nn.Linear(hidden, latent)

    def forward(self, x_BCHW: Tensor, attributes_BA: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The posterior's parameters."""
        hidden = self.top(append_attributes(self.body(x_BCHW), attributes_BA))
        return self.mu(hidden), self.logvar(hidden)


class LarsenDecoder(nn.Module):
    """z (B, Z) → (B, heads·C, H, W), before the tanh."""

    def __init__(self, shape: ImageShape, widths: Widths, inputs: int, heads: int) -> None:
        super().__init__()
        first, *rest = widths.decoder
        grid = (first, shape.height // 8, shape.width // 8)
        layers: list[nn.Module] = [nn.Linear(inputs, math.prod(grid), bias=False)]
        layers += [*_norm_relu(math.prod(grid), flat=True), nn.Unflatten(1, grid)]
        for wide, narrow in pairwise(widths.decoder):
            layers += [_up_convolution(wide, narrow), *_norm_relu(narrow)]
        self.body = nn.Sequential(*layers)
        self.last = nn.Conv2d(rest[-1], heads * shape.channels, 5, padding=2)

    def forward(self, z_BZ: Tensor, attributes_BA: Tensor | None = None) -> Tensor:
        """The image before its tanh."""
        image: Tensor = self.last(self.body(append_attributes(z_BZ, attributes_BA)))
        return image


class LarsenDiscriminator(nn.Module):
    """x (B, C, H, W) → logits (B,) and Dis_l(x)."""

    def __init__(self, shape: ImageShape, widths: Widths, conditions: int) -> None:
        super().__init__()
        first, *rest = widths.discriminator
        stem = [nn.Conv2d(shape.channels, first, 5, padding=2), nn.ReLU(inplace=True)]
        blocks: list[list[nn.Module]] = []
        for inputs, outputs in pairwise(widths.discriminator):
            blocks.append([_convolution(inputs, outputs), *_norm_relu(outputs)])
        flat = rest[-1] * (shape.height // 8) * (shape.width // 8)
        head = [nn.Linear(flat + conditions, 512, bias=False), *_norm_relu(512, flat=True), nn.Linear(512, 1)]
        tapped, *after = blocks[widths.tap - 1]
        self.below = nn.Sequential(*stem, *_in_a_row(blocks[: widths.tap - 1]), tapped)
        self.above = nn.Sequential(*after, *_in_a_row(blocks[widths.tap :]), nn.Flatten())
        self.verdict = nn.Sequential(*head)

    def forward(self, x_BCHW: Tensor, attributes_BA: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The logits, and the tapped convolution's output before batch norm."""
        features: Tensor = self.below(x_BCHW)
        return self.verdict(append_attributes(self.above(features), attributes_BA)).squeeze(1), features


def _in_a_row(blocks: list[list[nn.Module]]) -> list[nn.Module]:
    return [layer for block in blocks for layer in block]
