"""The Wasserstein auto-encoder with an adversarial penalty."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from vaegan_bench.api import (
    AdversarialLoss,
    ImageShape,
    Model,
    Networks,
    Objectives,
    Play,
    ReconstructionLoss,
    at_least,
)
from vaegan_bench.losses.adversarial.nonsaturating import NonSaturating
from vaegan_bench.losses.reconstruction.gaussian import Gaussian
from vaegan_bench.models.gan import area_under_roc
from vaegan_bench.networks.deterministic import Encoding, build_encoder, draw_code
from vaegan_bench_rivals.discriminators import CodeDiscriminator


@dataclass(frozen=True, kw_only=True)
class WAEGAN(Model):
    """An auto-encoder whose codes a discriminator cannot tell from the prior's (Tolstikhin et al., 2018, alg. 1)."""

    name = "wae-gan"
    players: ClassVar = {
        "encoder": ("encoder",),
        "decoder": ("decoder", "scale"),
        "code discriminator": ("code discriminator",),
    }
    reconstruction: ReconstructionLoss = Gaussian(sigma=math.sqrt(0.5))
    """The cost c: with σ² = ½, the Gaussian's is the paper's ‖x − G(z)‖² up to a constant."""
    adversarial: AdversarialLoss = NonSaturating()
    """Between codes of the prior, which are the real ones, and codes of images."""
    weight: float = 10.0
    """λ: the coefficient of the codes' distance from the prior, beside the paper's cost.

    The authors' code also has 10, but multiplies the cost by 0.05: relative to the paper's cost, its λ is 200.
    """
    encoder: Encoding = "deterministic"
    """The paper's experiments are deterministic; 'gaussian' draws codes from the study's encoder."""
    width: int = 512
    """Units per hidden layer of the code discriminator."""
    layers: int = 4
    """Hidden layers of the code discriminator."""

    def __post_init__(self) -> None:
        at_least(self, weight=0, width=1, layers=1)

    def build(self, role: str, networks: Networks, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        """The study's networks, and a perceptron that judges codes."""
        match role:
            case "encoder":
                return build_encoder(self.encoder, networks, shape)
            case "code discriminator":
                return CodeDiscriminator(networks.latent, self.width, self.layers)
        return networks.build(role, shape, heads, conditions)

    def objectives(self, play: Play) -> Objectives:
        """Encoder: cost + λ·prior; decoder: cost; code discriminator: λ·its own cost."""
        x, modules = play.x_BCHW, play.modules
        z = draw_code(self.encoder, modules.encode(x), play.noise)
        z_prior = self.sample_prior(len(x), play.latent, play.noise)
        (x_rec,) = modules.decode(z)
        real, fake = modules["code discriminator"](torch.cat([z_prior, z])).chunk(2)
        versus = self.adversarial(real, [fake])
        return Objectives(
            terms={
                "reconstruction": self.reconstruction(x_rec, x),
                "prior": versus.generator_V,
                "code discriminator": versus.discriminator_V,
            },
            minimise={
                "encoder": {"reconstruction": 1.0, "prior": self.weight},
                "decoder": {"reconstruction": 1.0},
                "code discriminator": {"code discriminator": self.weight},
            },
            log={"code discriminator auc": area_under_roc(real, fake)},
        )
