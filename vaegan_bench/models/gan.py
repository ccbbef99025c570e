"""The generative adversarial network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from vaegan_bench.api import AdversarialLoss, Gate, Model, Objectives, Play, Regulariser
from vaegan_bench.losses.adversarial.minimax import Minimax


def referee(
    objectives: Objectives,
    play: Play,
    logits: tuple[Tensor, Tensor],
    fake_BCHW: Tensor,
    gate: Gate | None,
    regulariser: Regulariser | None,
) -> Objectives:
    """Add what every adversarial game has: a log of who wins; a penalty and a gate where the model has them.

    `logits` are those of real and of fake images; `fake_BCHW` is for the penalty.
    """
    objectives = replace(objectives, log={**objectives.log, "discriminator auc": area_under_roc(*logits)})
    if regulariser is not None:
        penalty = regulariser(play.modules.critic, play.x_BCHW, fake_BCHW, play.noise)
        objectives = objectives.plus("regulariser", penalty, player="discriminator")
    return objectives if gate is None else objectives.without(gate(*logits))


def area_under_roc(real_B: Tensor, fake_B: Tensor) -> Tensor:
    """The share of pairs in which a real image outscores a fake one, ties half: ½ for a discriminator that guesses.

    It means the same for every adversarial loss, whatever its logits mean (Hanley & McNeil, 1982, eq. 1).
    """
    return torch.heaviside(real_B[:, None] - fake_B[None, :], real_B.new_full((), 0.5)).mean()


@dataclass(frozen=True, kw_only=True)
class GAN(Model):
    """A generator and a discriminator against each other (Goodfellow et al., 2014, eq. 1)."""

    name = "gan"
    players: ClassVar = {"decoder": ("decoder",), "discriminator": ("discriminator",)}
    adversarial: AdversarialLoss = Minimax()
    gate: Gate | None = None
    regulariser: Regulariser | None = None
    conditional: bool = False
    """Whether decoder and discriminator are conditioned on the attributes (Larsen et al., 2016, §4.2)."""

    def objectives(self, play: Play) -> Objectives:
        """Both sides of the adversarial loss, on prior samples."""
        z_prior = self.sample_prior(len(play.x_BCHW), play.latent, play.noise)
        (x_prior,) = play.modules.decode(z_prior)
        real, fake = play.modules.judge(play.x_BCHW, x_prior.mean)
        versus = self.adversarial(real.logits_B, [fake.logits_B])
        game = Objectives(
            terms={"generator": versus.generator_B, "discriminator": versus.discriminator_B},
            minimise={"decoder": {"generator": 1.0}, "discriminator": {"discriminator": 1.0}},
        )
        logits = real.logits_B, fake.logits_B
        return referee(game, play, logits, x_prior.mean, self.gate, self.regulariser)
