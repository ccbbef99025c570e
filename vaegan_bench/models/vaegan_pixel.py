"""The VAE/GAN with a pixel loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch

from vaegan_bench.api import (
    AdversarialLoss,
    Gate,
    Model,
    Objectives,
    Play,
    PriorLoss,
    ReconstructionLoss,
    Regulariser,
)
from vaegan_bench.losses.adversarial.minimax import Minimax
from vaegan_bench.losses.prior.kl import KL
from vaegan_bench.losses.reconstruction.gaussian import Gaussian
from vaegan_bench.models.gan import refereed


@dataclass(frozen=True, kw_only=True)
class VAEGANPixel(Model):
    """The VAE/GAN whose reconstruction is judged on pixels: what the learned similarity is compared with."""

    name = "vaegan-pixel"
    players: ClassVar = {
        "encoder": ("encoder",),
        "decoder": ("decoder", "scale"),
        "discriminator": ("discriminator",),
    }
    reconstruction: ReconstructionLoss = Gaussian()
    prior: PriorLoss = KL()
    adversarial: AdversarialLoss = Minimax()
    gamma: float = 1e-3
    """γ: how much the decoder minds the pixels beside the discriminator."""
    adversarial_weight: float = 1.0
    """How much the decoder minds the discriminator."""
    fakes: Literal["both", "samples", "reconstructions"] = "both"
    """What the discriminator is shown as fake: both in the paper, samples alone in the last version of its code."""
    gate: Gate | None = None
    regulariser: Regulariser | None = None
    conditional: bool = False
    """Whether encoder, decoder and discriminator see the attributes of each image (Larsen et al., 2016, §4.2)."""

    def objectives(self, play: Play) -> Objectives:
        """Encoder: prior + reconstruction; decoder: γ·reconstruction + generator; discriminator: its own cost."""
        x, modules = play.x_BCHW, play.modules
        posterior = modules.encode(x)
        z_prior = self.sample_prior(len(x), play.latent, play.noise)
        x_rec, x_prior = modules.decode(posterior.sample(play.noise), z_prior)
        real, rec, fake = modules.judge(x, x_rec.mean, x_prior.mean)
        fakes = {"both": [rec, fake], "samples": [fake], "reconstructions": [rec]}[self.fakes]
        versus = self.adversarial(real.logits_B, [shown.logits_B for shown in fakes])
        game = Objectives(
            terms={
                "prior": self.prior(posterior),
                "reconstruction": self.reconstruction(x_rec, x),
                "generator": versus.generator_B,
                "discriminator": versus.discriminator_B,
            },
            minimise={
                "encoder": {"prior": 1.0, "reconstruction": 1.0},
                "decoder": {"reconstruction": self.gamma, "generator": self.adversarial_weight},
                "discriminator": {"discriminator": 1.0},
            },
        )
        logits = real.logits_B, torch.cat([shown.logits_B for shown in fakes])
        penalised = x_rec if self.fakes == "reconstructions" else x_prior
        return refereed(game, play, logits, penalised.mean, self.gate, self.regulariser)
