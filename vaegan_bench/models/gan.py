"""The generative adversarial network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from vaegan_bench.api import (
    AdversarialLoss,
    DiscriminatorAugmentation,
    Gate,
    JudgedImages,
    Model,
    Objectives,
    Play,
    Regulariser,
)
from vaegan_bench.losses.adversarial.minimax import Minimax


def show(
    images_BCHW: Sequence[Tensor], augmentation: DiscriminatorAugmentation | None, noise: torch.Generator
) -> list[Tensor]:
    """The batches as the discriminator sees them: all augmented in the same way, if there is an `augmentation`."""
    return list(images_BCHW) if augmentation is None else augmentation(images_BCHW, noise)


def referee(
    model: Model,
    objectives: Objectives,
    play: Play,
    logits: tuple[Tensor, Tensor],
    judged: tuple[JudgedImages, JudgedImages],
    gate: Gate | None,
    regulariser: Regulariser | None,
) -> Objectives:
    """Add the parts that adversarial games share: the discriminator's AUC in the log; a penalty and a gate if given.

    `logits` are those of all real and of all fake images; `judged` is one real and one fake batch, for the penalty.
    The players that own the roles 'discriminator' and 'decoder' may have any names.
    """
    objectives = replace(objectives, log={**objectives.log, "discriminator auc": area_under_roc(*logits)})
    if regulariser is not None:
        batch = len(play.x_BCHW)
        seen = min(batch, max(2, math.ceil(regulariser.share * batch)))  # batch norm needs two images
        real, fake = (JudgedImages(x_BCHW[:seen], logits_B[:seen]) for x_BCHW, logits_B in judged)
        critic, memory = play.modules.of_first(seen).critic, play.modules.get("memory")
        penalty = regulariser(critic, real, fake, play.noise, memory)
        objectives = objectives.plus("regulariser", penalty, model.owner("discriminator"))
    return objectives if gate is None else objectives.without({model.owner(role) for role in gate(*logits)})


def area_under_roc(real_B: Tensor, fake_B: Tensor) -> Tensor:
    """The share of pairs in which a real image outscores a fake one, ties half: ½ for a discriminator that guesses.

    It means the same for every adversarial loss, whatever its logits mean (Hanley & McNeil, 1982).
    """
    return torch.heaviside(real_B[:, None] - fake_B[None, :], real_B.new_full((), 0.5)).mean()


@dataclass(frozen=True, kw_only=True)
class GAN(Model):
    """A generator and a discriminator against each other (Goodfellow et al., 2014, eq. 1)."""

    name = "gan"
    players: ClassVar = {"decoder": ("decoder",), "discriminator": ("discriminator", "memory")}
    adversarial: AdversarialLoss = Minimax()
    gate: Gate | None = None
    regulariser: Regulariser | None = None
    augmentation: DiscriminatorAugmentation | None = None
    """The augmentation of real and fake images before the discriminator sees them."""
    conditional: bool = False
    """Whether decoder and discriminator are conditioned on the attributes (Larsen et al., 2016, §4.2)."""

    def objectives(self, play: Play) -> Objectives:
        """Both sides of the adversarial loss, on prior samples."""
        z_prior = self.sample_prior(len(play.x_BCHW), play.latent, play.noise)
        (x_prior,) = play.modules.decode(z_prior)
        x, x_fake = show([play.x_BCHW, x_prior.mean], self.augmentation, play.noise)
        real, fake = play.modules.judge(x, x_fake)
        versus = self.adversarial(real.verdicts_V, [fake.verdicts_V])
        game = Objectives(
            terms={"generator": versus.generator_V, "discriminator": versus.discriminator_V},
            minimise={"decoder": {"generator": 1.0}, "discriminator": {"discriminator": 1.0}},
        )
        logits = real.logits_B, fake.logits_B
        judged = JudgedImages(x, real.logits_B), JudgedImages(x_fake, fake.logits_B)
        return referee(self, game, play, logits, judged, self.gate, self.regulariser)
