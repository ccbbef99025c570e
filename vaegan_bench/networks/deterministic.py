"""Encoders that give one code for each image, made from the study's Gaussian encoders."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from vaegan_bench.api import ImageShape, Networks, Posterior

Encoding = Literal["deterministic", "gaussian"]
"""Whether the code of an image is the encoder's mean, or drawn from its Gaussian."""


def build_encoder(encoding: Encoding, networks: Networks, shape: ImageShape) -> nn.Module:
    """The study's encoder; for a deterministic encoding, with a variance of 0."""
    encoder = networks.build("encoder", shape)
    return encoder if encoding == "gaussian" else DeterministicEncoder(encoder, beside_the_mean(networks, shape))


def draw_code(encoding: Encoding, posterior: Posterior, noise: torch.Generator) -> Tensor:
    """The code that stands for each image; (B, Z)."""
    return posterior.mu_BZ if encoding == "deterministic" else posterior.sample(noise)


class DeterministicEncoder(nn.Module):
    """x (B, C, H, W) → (mu, −∞), (B, Z) each; weights that the mean does not depend on are frozen."""

    def __init__(self, encoder: nn.Module, unused: frozenset[str]) -> None:
        super().__init__()
        self.encoder = encoder
        for name, weight in encoder.named_parameters():
            weight.requires_grad_(name not in unused)

    def forward(self, x_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        """The code, and a log-variance of −∞, which `Modules.encode` raises to its lower bound."""
        mu, _ = self.encoder(x_BCHW)
        return mu, torch.full_like(mu, -math.inf)


def beside_the_mean(networks: Networks, shape: ImageShape) -> frozenset[str]:
    """The names of the encoder's weights that its mean does not depend on, found without memory or random numbers."""
    with torch.device("meta"), torch.enable_grad():
        encoder = networks.build("encoder", shape).eval()
        mu, _ = encoder(torch.zeros(1, *shape))
        named = dict(encoder.named_parameters())
        gradients = torch.autograd.grad(mu.sum(), list(named.values()), allow_unused=True)
    return frozenset(name for name, gradient in zip(named, gradients, strict=True) if gradient is None)
