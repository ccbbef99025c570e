"""The common base of autoencoders with a discriminator: losses of images, and an opponent of reconstructions."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from vaegan_bench.api import (
    AdversarialLoss,
    DiscriminatorAugmentation,
    JudgedImages,
    Model,
    Objectives,
    Play,
    Prediction,
    ReconstructionLoss,
    Regulariser,
)
from vaegan_bench.losses.adversarial.hinge import Hinge
from vaegan_bench.losses.reconstruction.laplace import Laplace
from vaegan_bench.models.gan import referee, show


@dataclass(frozen=True, kw_only=True)
class ImageLosses(Model):
    """Fields of a model that compares images in pixels and, if asked, in something else."""

    reconstruction: ReconstructionLoss = Laplace()
    """Of pixels: the L1 distance up to a constant."""
    perceptual: ReconstructionLoss | None = None
    """A loss to add, such as `perceptual` of vaegan-bench-perceptual; the papers have LPIPS (Zhang et al., 2018)."""

    def image_terms(self, x_rec: Prediction, x_BCHW: Tensor) -> dict[str, Tensor]:
        """Each loss of images, (B,) by name; each has the coefficient 1."""
        losses = {"reconstruction": self.reconstruction, "perceptual": self.perceptual}
        return {name: loss(x_rec, x_BCHW) for name, loss in losses.items() if loss is not None}


@dataclass(frozen=True, kw_only=True)
class FirstStage(ImageLosses):
    """Fields of a model whose reconstructions have to fool a discriminator as well."""

    adversarial: AdversarialLoss = Hinge()
    regulariser: Regulariser | None = None
    augmentation: DiscriminatorAugmentation | None = None
    """The augmentation of images and reconstructions before the discriminator sees them."""

    def against_a_discriminator(self, autoencoding: Objectives, play: Play, x_rec: Prediction) -> Objectives:
        """The same game with a discriminator of images and their reconstructions (Esser et al., 2021, eq. 5–6).

        λ of their eq. 6 is 1 here: the coefficient of the generator's term, and its first step, are weights of terms.
        """
        x, x_fake = show([play.x_BCHW, x_rec.mean], self.augmentation, play.noise)
        real, fake = play.modules.judge(x, x_fake)
        versus = self.adversarial(real.verdicts_V, [fake.verdicts_V])
        game = autoencoding.plus("generator", versus.generator_V, "autoencoder")
        game = replace(
            game,
            terms={**game.terms, "discriminator": versus.discriminator_V},
            minimise={**game.minimise, "discriminator": {"discriminator": 1.0}},
        )
        judged = JudgedImages(x, real.logits_B), JudgedImages(x_fake, fake.logits_B)
        return referee(self, game, play, (real.logits_B, fake.logits_B), judged, None, self.regulariser)
