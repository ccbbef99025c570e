"""The VAE/GAN with a pixel loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from vaegan_bench.api import (
    AdversarialLoss,
    DiscriminatorAugmentation,
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
from vaegan_bench.models.gan import referee
from vaegan_bench.models.vaegan import Fakes, take_turn


@dataclass(frozen=True, kw_only=True)
class VAEGANPixel(Model):
    """The VAE/GAN whose reconstruction is judged on pixels: what the learned similarity is compared with."""

    name = "vaegan-pixel"
    players: ClassVar = {
        "encoder": ("encoder",),
        "decoder": ("decoder", "scale"),
        "discriminator": ("discriminator", "memory"),
    }
    reconstruction: ReconstructionLoss = Gaussian()
    prior: PriorLoss = KL()
    adversarial: AdversarialLoss = Minimax()
    gamma: float = 1e-3
    """γ: the coefficient of the reconstruction in the decoder's objective."""
    adversarial_weight: float = 1.0
    """The coefficient of the generator's term in the decoder's objective."""
    fakes: Fakes = "both"
    """The batches shown to the discriminator as fake: both in the paper, samples in the last version of its code."""
    gate: Gate | None = None
    regulariser: Regulariser | None = None
    augmentation: DiscriminatorAugmentation | None = None
    """The augmentation of images before the discriminator sees them; reconstructions are compared without it."""
    conditional: bool = False
    """Whether encoder, decoder and discriminator are conditioned on the attributes (Larsen et al., 2016, §4.2)."""

    def likelihood(self) -> ReconstructionLoss:
        """The reconstruction loss."""
        return self.reconstruction

    def objectives(self, play: Play) -> Objectives:
        """Encoder: prior + reconstruction; decoder: γ·reconstruction + generator; discriminator: its own cost."""
        turn = take_turn(self, play, self.fakes, self.augmentation)
        versus = turn.versus(self.adversarial)
        game = Objectives(
            terms={
                "prior": self.prior(turn.posterior, turn.z_BZ, play.noise),
                "reconstruction": self.reconstruction(turn.x_rec, play.x_BCHW),
                "generator": versus.generator_V,
                "discriminator": versus.discriminator_V,
            },
            minimise={
                "encoder": {"prior": 1.0, "reconstruction": 1.0},
                "decoder": {"reconstruction": self.gamma, "generator": self.adversarial_weight},
                "discriminator": {"discriminator": 1.0},
            },
        )
        return referee(self, game, play, turn.logits, turn.judged, self.gate, self.regulariser)
