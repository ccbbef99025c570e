"""Small networks that two CPU cores can train."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vaegan_bench.api import ImageShape, Networks, PluginError, at_least
from vaegan_bench.networks.conditions import append_attributes


@dataclass(frozen=True, kw_only=True)
class Compact(Networks):
    """Small convolutional networks for CPUs, for square images of 16, 32, 64 or 128 pixels."""

    name = "compact"
    per_image = ("discriminator",)
    last_layers: ClassVar = {"decoder": "last.weight"}
    latent: int = 64
    width: int = 32
    """Channels of encoder and discriminator at the highest resolution; they double per halving, up to fourfold."""
    decoder_width: int = 24
    """The same for the decoder, whose convolutions work at twice the resolution and cost more."""

    def __post_init__(self) -> None:
        at_least(self, latent=1, width=1, decoder_width=1)

    def build(self, role: str, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        """Build encoder, decoder or discriminator."""
        stages = _stages(shape)
        match role:
            case "encoder":
                return CompactEncoder(shape.channels, _widths(self.width, stages), self.latent, conditions)
            case "decoder":
                return CompactDecoder(
                    heads * shape.channels, _widths(self.decoder_width, stages), self.latent + conditions
                )
            case "discriminator":
                return CompactDiscriminator(shape.channels, _widths(self.width, stages), conditions)
        raise PluginError(f"Networks 'compact' have no role '{role}': encoder, decoder, discriminator.")


def _stages(shape: ImageShape) -> int:
    """How many halvings lead from the image to 4×4."""
    if shape.height != shape.width or shape.height not in (16, 32, 64, 128):
        raise PluginError(
            f"Networks 'compact' take square images of 16, 32, 64 or 128 pixels, not "
            f"{shape.height}×{shape.width}: choose another --size."
        )
    return int(math.log2(shape.height)) - 2


def _widths(first: int, stages: int) -> list[int]:
    return [first * min(2**i, 4) for i in range(stages)]


def _norm_relu(channels: int) -> list[nn.Module]:
    return [nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]


class CompactEncoder(nn.Module):
    """x (B, C, H, W) → mu and logvar, (B, Z) each."""

    def __init__(self, channels: int, widths: list[int], latent: int, conditions: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise([channels, *widths]):
            layers += [nn.Conv2d(inputs, outputs, 4, 2, padding=1, bias=False), *_norm_relu(outputs)]
        self.body = nn.Sequential(*layers, nn.Flatten())
        self.mu = nn.Linear(widths[-1] * 16 + conditions, latent)
        self.logvar = nn.Linear(widths[-1] * 16 + conditions, latent)

    def forward(self, x_BCHW: Tensor, attributes_BA: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The posterior's parameters."""
        hidden = append_attributes(self.body(x_BCHW), attributes_BA)
        return self.mu(hidden), self.logvar(hidden)


class CompactDecoder(nn.Module):
    """z (B, Z) → (B, channels, H, W), before the tanh.

    It enlarges images by repeating pixels, and smooths them with 3×3 convolutions. Transposed convolutions with free
    weights left a checkerboard at this size, with every budget that we tried (docs/tuning.md).
    """

    def __init__(self, channels: int, widths: list[int], inputs: int) -> None:
        super().__init__()
        up = widths[::-1]
        layers: list[nn.Module] = [nn.Linear(inputs, up[0] * 16, bias=False), nn.Unflatten(1, (up[0], 4, 4))]
        layers += _norm_relu(up[0])
        for narrow, wide in pairwise(up):
            layers += [UpConvolution(narrow, wide, 3, padding=1, bias=False), *_norm_relu(wide)]
        self.body = nn.Sequential(*layers)
        self.last = UpConvolution(up[-1], channels, 3, padding=1)

    def forward(self, z_BZ: Tensor, attributes_BA: Tensor | None = None) -> Tensor:
        """The image before its tanh."""
        image: Tensor = self.last(self.body(append_attributes(z_BZ, attributes_BA)))
        return image


class UpConvolution(nn.Conv2d):
    """Repeat every pixel 2×2, then convolve with 3×3 kernels, as one transposed convolution.

    Every output pixel sees four input pixels, some of them through several weights. Adding these weights up first
    takes 4 multiplications per pixel and channel instead of 9.
    """

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """(B, I, H, W) → (B, O, 2·H, 2·W)."""
        # The sums of 2×2 weights of the padded kernel, 4×4. Not by avg_pool2d: with padding and channels last
        # its gradient is wrong on CUDA, without an error (pytorch/pytorch#188344), and on Apple's GPUs (#175190).
        padded_OIKK = F.pad(self.weight.flip(2, 3), (1, 1, 1, 1))
        rows = padded_OIKK[:, :, :-1] + padded_OIKK[:, :, 1:]
        kernel_IOKK = (rows[..., :-1] + rows[..., 1:]).transpose(0, 1)
        kernel_IOKK = kernel_IOKK.contiguous(memory_format=torch.channels_last)  # the layout of the output, too
        return F.conv_transpose2d(x_BCHW, kernel_IOKK, self.bias, stride=2, padding=1)


class CompactDiscriminator(nn.Module):
    """x (B, C, H, W) → logits (B,) and Dis_l(x): the output of the second convolution.

    It has no normalisation, so that its output for one image does not depend on other images, as gradient penalties
    assume; its game was also more stable in our trials (docs/tuning.md). Attributes are projected onto the features
    (Miyato and Koyama, 2018): concatenated before the one linear layer, they would add the same number to the logit of
    an image that fits them and of one that does not.
    """

    def __init__(self, channels: int, widths: list[int], conditions: int) -> None:
        super().__init__()
        convolutions = [nn.Conv2d(i, o, 4, 2, padding=1) for i, o in pairwise([channels, *widths])]
        first, second, *rest = convolutions
        self.below = nn.Sequential(first, nn.LeakyReLU(0.2, inplace=True), second)
        layers: list[nn.Module] = [nn.LeakyReLU(0.2)]  # not in place: it would change the tapped features
        for convolution in rest:
            layers += [convolution, nn.LeakyReLU(0.2, inplace=True)]
        self.above = nn.Sequential(*layers, nn.Flatten())
        self.verdict = nn.Linear(widths[-1] * 16, 1)
        self.projection = nn.Linear(conditions, widths[-1] * 16, bias=False) if conditions else None
        if self.projection is not None:
            bound = 1 / math.sqrt(self.projection.weight.numel())  # attributes then count as much as the image
            nn.init.uniform_(self.projection.weight, -bound, bound)

    def forward(self, x_BCHW: Tensor, attributes_BA: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The logits, and the tapped convolution's output."""
        features: Tensor = self.below(x_BCHW)
        above_BF = self.above(features)
        logits_B = self.verdict(above_BF).squeeze(1)
        if self.projection is not None and attributes_BA is not None:
            logits_B = logits_B + (self.projection(attributes_BA.to(above_BF)) * above_BF).sum(1)
        return logits_B, features
