"""The autoencoder in front of latent diffusion models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from vaegan_bench.api import Objectives, Play, PriorLoss, ReconstructionLoss, at_least
from vaegan_bench.losses.prior.kl import KL
from vaegan_bench_tokenizers.first_stage import FirstStage


@dataclass(frozen=True, kw_only=True)
class KLAutoencoder(FirstStage):
    """Reconstruct and fool a discriminator of that, almost without a prior (Rombach et al., 2022, appendix G)."""

    name = "kl-autoencoder"
    players: ClassVar = {
        "autoencoder": ("encoder", "decoder", "scale"),
        "discriminator": ("discriminator", "memory"),
    }
    prior: PriorLoss = KL()
    beta: float = 1e-6
    """The coefficient of the prior, which only keeps codes from growing."""

    def __post_init__(self) -> None:
        at_least(self, beta=0)

    def likelihood(self) -> ReconstructionLoss:
        """The reconstruction loss, as −log p(x|z) of pixels."""
        return self.reconstruction

    def objectives(self, play: Play) -> Objectives:
        """Autoencoder: reconstruction + perceptual + β·prior + generator; discriminator: its own cost."""
        posterior = play.modules.encode(play.x_BCHW)
        z = posterior.sample(play.noise)
        (x_rec,) = play.modules.decode(z)
        of_images = self.image_terms(x_rec, play.x_BCHW)
        autoencoding = Objectives(
            terms={**of_images, "prior": self.prior(posterior, z, play.noise)},
            minimise={"autoencoder": {**dict.fromkeys(of_images, 1.0), "prior": self.beta}},
        )
        return self.against_a_discriminator(autoencoding, play, x_rec)
