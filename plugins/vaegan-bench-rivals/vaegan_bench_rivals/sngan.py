"""The spectrally normalised GAN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from vaegan_bench.api import AdversarialLoss, ImageShape, JudgedImages, Model, Networks, Objectives, Play, at_least
from vaegan_bench.losses.adversarial.hinge import Hinge
from vaegan_bench.models.gan import referee
from vaegan_bench.networks.spectral import add_spectral_norm


@dataclass(frozen=True, kw_only=True)
class SNGAN(Model):
    """A GAN whose discriminator is Lipschitz by spectral normalisation (Miyato et al., 2018, eq. 16–17, alg. 1)."""

    name = "sngan"
    players: ClassVar = {"decoder": ("decoder",), "discriminator": ("discriminator",)}
    joint = ("discriminator",)
    adversarial: AdversarialLoss = Hinge()
    n_dis: int = 5
    """Steps of the discriminator to one of the generator."""
    power_iterations: int = 1
    """Refinements of each layer's norm per step."""

    def __post_init__(self) -> None:
        at_least(self, n_dis=1, power_iterations=1)

    def build(self, role: str, networks: Networks, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        """The study's networks, the discriminator spectrally normalised."""
        network = networks.build(role, shape, heads, conditions)
        return add_spectral_norm(network, self.power_iterations) if role == "discriminator" else network

    def objectives(self, play: Play) -> Objectives:
        """Both sides of the adversarial loss on prior samples, the generator's at every n-th step."""
        z_prior = self.sample_prior(len(play.x_BCHW), play.latent, play.noise)
        (x_prior,) = play.modules.decode(z_prior)
        real, fake = play.modules.judge(play.x_BCHW, x_prior.mean)
        versus = self.adversarial(real.verdicts_V, [fake.verdicts_V])
        game = Objectives(
            terms={"generator": versus.generator_V, "discriminator": versus.discriminator_V},
            minimise={"decoder": {"generator": 1.0}, "discriminator": {"discriminator": 1.0}},
        )
        logits = real.logits_B, fake.logits_B
        judged = JudgedImages(play.x_BCHW, logits[0]), JudgedImages(x_prior.mean, logits[1])
        game = referee(self, game, play, logits, judged, None, None)
        return game if play.step % self.n_dis == 0 else game.without({"decoder"})
