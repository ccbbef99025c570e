"""Discriminators of codes, and of images together with codes."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from vaegan_bench.api import ImageShape, Networks


def perceptron(inputs: int, width: int, layers: int) -> nn.Sequential:
    """Hidden layers with ReLUs, then one logit: no batch norm, so that one code's verdict does not depend on others."""
    parts: list[nn.Module] = []
    for before, after in pairwise([inputs, *[width] * layers]):
        parts += [nn.Linear(before, after), nn.ReLU(inplace=True)]
    return nn.Sequential(*parts, nn.Linear(width, 1))


class CodeDiscriminator(nn.Module):
    """z (B, Z) → logits (B,): the evidence that a code is from the prior."""

    def __init__(self, latent: int, width: int, layers: int) -> None:
        super().__init__()
        self.body = perceptron(latent, width, layers)

    def forward(self, z_BZ: Tensor) -> Tensor:
        """The logits, float32."""
        logits_B1: Tensor = self.body(z_BZ)
        return logits_B1.squeeze(1).float()


class JointHead(nn.Module):
    """Features (B, F) and codes (B, Z) → logits (B,): the joint evidence of an image and a code."""

    def __init__(self, features: int, latent: int, width: int, layers: int) -> None:
        super().__init__()
        self.body = perceptron(features + latent, width, layers)

    def forward(self, features_BF: Tensor, z_BZ: Tensor) -> Tensor:
        """The logits, float32."""
        logits_B1: Tensor = self.body(torch.cat([features_BF, z_BZ], dim=1))
        return logits_B1.squeeze(1).float()


def feature_size(networks: Networks, shape: ImageShape) -> int:
    """The number of features F that the study's discriminator taps, found without memory or random numbers."""
    with torch.device("meta"), torch.no_grad():
        _, features = networks.build("discriminator", shape).eval()(torch.zeros(1, *shape))
    return int(features[0].numel())
