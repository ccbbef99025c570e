"""The auto-encoding GAN with a discriminator of images and one of codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from vaegan_bench.api import ImageShape, Model, Networks, Objectives, Play, ReconstructionLoss, at_least
from vaegan_bench.losses.adversarial.nonsaturating import NonSaturating
from vaegan_bench.losses.reconstruction.laplace import Laplace
from vaegan_bench.models.gan import area_under_roc
from vaegan_bench.networks.deterministic import Encoding, build_encoder, draw_code
from vaegan_bench_rivals.discriminators import CodeDiscriminator


@dataclass(frozen=True, kw_only=True)
class AlphaGAN(Model):
    """Reconstruct while fooling a discriminator of images and one of codes (Rosca et al., 2017, algorithm 1)."""

    name = "alpha-gan"
    players: ClassVar = {
        "encoder": ("encoder",),
        "decoder": ("decoder", "scale"),
        "discriminator": ("discriminator",),
        "code discriminator": ("code discriminator",),
    }
    reconstruction: ReconstructionLoss = Laplace()
    """The paper has the L1 distance, which is Laplace's negative log-likelihood up to a constant."""
    weight: float = 10.0
    """λ: the coefficient of the reconstruction, averaged over the dimensions of an image, beside the discriminators."""
    encoder: Encoding = "deterministic"
    """Whether the code of an image is the encoder's mean, or drawn from its Gaussian."""
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
        """Encoder: λ·reconstruction + prior; decoder: λ·reconstruction + generator; each discriminator its own cost."""
        x, modules = play.x_BCHW, play.modules
        z = draw_code(self.encoder, modules.encode(x), play.noise)
        z_prior = self.sample_prior(len(x), play.latent, play.noise)
        x_rec, x_prior = modules.decode(z, z_prior)
        real, rec, fake = modules.judge(x, x_rec.mean, x_prior.mean)
        code_real, code_fake = modules["code discriminator"](torch.cat([z_prior, z])).chunk(2)
        weight = self.weight / x[0].numel()
        return Objectives(
            terms={
                "reconstruction": self.reconstruction(x_rec, x),
                # The estimate of the log ratio of densities, −log D + log(1 − D), is the negative of the logit.
                "prior": -code_fake,
                "generator": -rec.logits_B - fake.logits_B,
                "discriminator": NonSaturating()(real.verdicts_V, [rec.verdicts_V, fake.verdicts_V]).discriminator_V,
                "code discriminator": NonSaturating()(code_real, [code_fake]).discriminator_V,
            },
            minimise={
                "encoder": {"reconstruction": weight, "prior": 1.0},
                "decoder": {"reconstruction": weight, "generator": 1.0},
                "discriminator": {"discriminator": 1.0},
                "code discriminator": {"code discriminator": 1.0},
            },
            log={
                "discriminator auc": area_under_roc(real.logits_B, torch.cat([rec.logits_B, fake.logits_B])),
                "code discriminator auc": area_under_roc(code_real, code_fake),
            },
        )
