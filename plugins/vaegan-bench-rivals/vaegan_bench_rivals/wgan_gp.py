"""The Wasserstein GAN with a gradient penalty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from vaegan_bench.api import JudgedImages, Model, Objectives, Play, Regulariser, at_least
from vaegan_bench.losses.adversarial.wgan import Wasserstein
from vaegan_bench.losses.regulariser.gradient_penalty import GradientPenalty
from vaegan_bench.models.gan import referee


@dataclass(frozen=True, kw_only=True)
class WGANGP(Model):
    """A critic with a gradient penalty takes several steps to one of the generator (Gulrajani et al., 2017, alg. 1)."""

    name = "wgan-gp"
    players: ClassVar = {"decoder": ("decoder",), "discriminator": ("discriminator", "memory")}
    regulariser: Regulariser = GradientPenalty()
    n_critic: int = 5
    """Steps of the critic to one of the generator."""

    def __post_init__(self) -> None:
        at_least(self, n_critic=1)

    def objectives(self, play: Play) -> Objectives:
        """Critic: score of fakes − score of images + penalty, at every step; generator: −score, at every n-th."""
        z_prior = self.sample_prior(len(play.x_BCHW), play.latent, play.noise)
        (x_prior,) = play.modules.decode(z_prior)
        real, fake = play.modules.judge(play.x_BCHW, x_prior.mean)
        versus = Wasserstein()(real.verdicts_V, [fake.verdicts_V])
        game = Objectives(
            terms={"generator": versus.generator_V, "discriminator": versus.discriminator_V},
            minimise={"decoder": {"generator": 1.0}, "discriminator": {"discriminator": 1.0}},
        )
        logits = real.logits_B, fake.logits_B
        judged = JudgedImages(play.x_BCHW, logits[0]), JudgedImages(x_prior.mean, logits[1])
        game = referee(self, game, play, logits, judged, None, self.regulariser)
        return game if play.step % self.n_critic == 0 else game.without({"decoder"})
