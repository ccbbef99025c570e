"""The VAE/GAN."""

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
    Prediction,
    PriorLoss,
    ReconstructionLoss,
    Regulariser,
)
from vaegan_bench.losses.adversarial.minimax import Minimax
from vaegan_bench.losses.prior.kl import KL
from vaegan_bench.losses.reconstruction.gaussian import Gaussian
from vaegan_bench.models.gan import refereed


@dataclass(frozen=True, kw_only=True)
class VAEGAN(Model):
    """Reconstruct in the discriminator's features while fooling it (Larsen et al., 2016, algorithm 1)."""

    name = "vaegan"
    players: ClassVar = {
        "encoder": ("encoder",),
        "decoder": ("decoder", "scale"),
        "discriminator": ("discriminator",),
    }
    similarity: ReconstructionLoss = Gaussian()
    """The likelihood of Dis_l(x), not of pixels."""
    prior: PriorLoss = KL()
    adversarial: AdversarialLoss = Minimax()
    gamma: float = 1e-5
    """γ: how much the decoder minds the similarity beside the discriminator (arXiv version: 1e-5 on CelebA)."""
    adversarial_weight: float = 1.0
    """How much the decoder minds the discriminator: 1 in the paper, 1 − γ in its authors' code."""
    fakes: Literal["both", "samples", "reconstructions"] = "both"
    """What the discriminator is shown as fake: both in the paper, samples alone in the last version of its code."""
    gate: Gate | None = None
    regulariser: Regulariser | None = None
    conditional: bool = False
    """Whether encoder, decoder and discriminator see the attributes of each image (Larsen et al., 2016, §4.2)."""

    def __post_init__(self) -> None:
        if self.similarity.pixels_only:
            raise ValueError(f"similarity compares discriminator features, and '{self.similarity.name}' only pixels")

    def objectives(self, play: Play) -> Objectives:
        """Encoder: prior + similarity; decoder: γ·similarity + generator; discriminator: its own cost."""
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
                "similarity": self.similarity(Prediction(rec.features_BF, modules.log_sigma), real.features_BF),
                "generator": versus.generator_B,
                "discriminator": versus.discriminator_B,
            },
            minimise={
                "encoder": {"prior": 1.0, "similarity": 1.0},
                "decoder": {"similarity": self.gamma, "generator": self.adversarial_weight},
                "discriminator": {"discriminator": 1.0},
            },
            # Dis_l before batch norm has no fixed scale, and γ acts on its square.
            log={"feature scale": real.features_BF.square().mean(1).sqrt()},
        )
        logits = real.logits_B, torch.cat([shown.logits_B for shown in fakes])
        penalised = x_rec if self.fakes == "reconstructions" else x_prior
        return refereed(game, play, logits, penalised.mean, self.gate, self.regulariser)
