"""The VAE/GAN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Tensor

from vaegan_bench.api import (
    AdversarialLoss,
    DiscriminatorAugmentation,
    Gate,
    JudgedImages,
    Judgement,
    Model,
    Objectives,
    Play,
    Posterior,
    Prediction,
    PriorLoss,
    ReconstructionLoss,
    Regulariser,
    Versus,
)
from vaegan_bench.losses.adversarial.minimax import Minimax
from vaegan_bench.losses.prior.kl import KL
from vaegan_bench.losses.reconstruction.gaussian import Gaussian
from vaegan_bench.models.gan import referee, show

Fakes = Literal["both", "samples", "reconstructions"]
"""The batches that a discriminator is shown as fake."""


class Turn(NamedTuple):
    """One batch of images, with their reconstructions, as many samples, and the discriminator's judgements of them."""

    posterior: Posterior
    z_BZ: Tensor
    """The codes that the reconstructions were decoded from."""
    x_rec: Prediction
    real: Judgement
    rec: Judgement
    fakes: list[Judgement]
    """The judgement of each batch that counts as fake."""
    judged: tuple[JudgedImages, JudgedImages]
    """Real images and one batch of fakes, for a penalty.

    The fakes are samples, whose distribution must converge; or reconstructions where only these count as fake."""

    @property
    def logits(self) -> tuple[Tensor, Tensor]:
        """The logits of all real and of all fake images."""
        return self.real.logits_B, torch.cat([fake.logits_B for fake in self.fakes])

    def versus(self, adversarial: AdversarialLoss) -> Versus:
        """The costs of both sides of an adversarial loss."""
        return adversarial(self.real.verdicts_V, [fake.verdicts_V for fake in self.fakes])


def take_turn(model: Model, play: Play, fakes: Fakes, augmentation: DiscriminatorAugmentation | None) -> Turn:
    """Encode, decode and judge, as the first half of algorithm 1 of Larsen et al. (2016).

    Image i of each batch (real images, reconstructions, samples) is augmented in the same way: otherwise Dis_l(x) and
    Dis_l(x̃) would differ even if x̃ = x. Zhao et al. (2020) draw a separate transformation for each image.
    """
    x, modules = play.x_BCHW, play.modules
    posterior = modules.encode(x)
    z_prior = model.sample_prior(len(x), play.latent, play.noise)
    z = posterior.sample(play.noise)
    x_rec, x_prior = modules.decode(z, z_prior)
    x_shown, rec_shown, fake_shown = show([x, x_rec.mean, x_prior.mean], augmentation, play.noise)
    real, rec, fake = modules.judge(x_shown, rec_shown, fake_shown)
    counted = {"both": [rec, fake], "samples": [fake], "reconstructions": [rec]}[fakes]
    penalised = (rec_shown, rec) if fakes == "reconstructions" else (fake_shown, fake)
    pairs = JudgedImages(x_shown, real.logits_B), JudgedImages(penalised[0], penalised[1].logits_B)
    return Turn(posterior, z, x_rec, real, rec, counted, pairs)


@dataclass(frozen=True, kw_only=True)
class VAEGAN(Model):
    """Reconstruct in the discriminator's features while fooling it (Larsen et al., 2016, algorithm 1)."""

    name = "vaegan"
    players: ClassVar = {
        "encoder": ("encoder",),
        "decoder": ("decoder", "scale"),
        "discriminator": ("discriminator", "memory"),
    }
    similarity: ReconstructionLoss = Gaussian()
    """The likelihood of Dis_l(x), not of pixels."""
    prior: PriorLoss = KL()
    adversarial: AdversarialLoss = Minimax()
    gamma: float = 1e-5
    """γ: the coefficient of the similarity in the decoder's objective (arXiv version: 1e-5 on CelebA)."""
    adversarial_weight: float = 1.0
    """The coefficient of the generator's term in the decoder's objective: 1 in the paper, 1 − γ in its code."""
    fakes: Fakes = "both"
    """The batches shown to the discriminator as fake: both in the paper, samples in the last version of its code."""
    gate: Gate | None = None
    regulariser: Regulariser | None = None
    augmentation: DiscriminatorAugmentation | None = None
    """The augmentation of images before the discriminator sees them, equal for all three batches: see `take_turn`."""
    conditional: bool = False
    """Whether encoder, decoder and discriminator are conditioned on the attributes (Larsen et al., 2016, §4.2)."""

    def __post_init__(self) -> None:
        self.similarity.demand_features("similarity")

    def objectives(self, play: Play) -> Objectives:
        """Encoder: prior + similarity; decoder: γ·similarity + generator; discriminator: its own cost."""
        turn = take_turn(self, play, self.fakes, self.augmentation)
        versus = turn.versus(self.adversarial)
        features = Prediction(turn.rec.features_BF, play.modules.log_sigma)
        game = Objectives(
            terms={
                "prior": self.prior(turn.posterior, turn.z_BZ, play.noise),
                "similarity": self.similarity(features, turn.real.features_BF),
                "generator": versus.generator_V,
                "discriminator": versus.discriminator_V,
            },
            minimise={
                "encoder": {"prior": 1.0, "similarity": 1.0},
                "decoder": {"similarity": self.gamma, "generator": self.adversarial_weight},
                "discriminator": {"discriminator": 1.0},
            },
            # Dis_l before batch norm has no fixed scale, and γ acts on its square.
            log={"feature scale": turn.real.features_BF.square().mean(1).sqrt()},
        )
        return referee(self, game, play, turn.logits, turn.judged, self.gate, self.regulariser)
