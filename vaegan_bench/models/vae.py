"""The variational autoencoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from vaegan_bench.api import Model, Objectives, Play, PriorLoss, ReconstructionLoss
from vaegan_bench.losses.prior.kl import KL
from vaegan_bench.losses.reconstruction.gaussian import Gaussian


@dataclass(frozen=True, kw_only=True)
class VAE(Model):
    """One player minimises the negative evidence lower bound (Kingma & Welling, 2014, eq. 3)."""

    name = "vae"
    players: ClassVar = {"autoencoder": ("encoder", "decoder", "scale")}
    reconstruction: ReconstructionLoss = Gaussian()
    prior: PriorLoss = KL()
    conditional: bool = False
    """Whether encoder and decoder are conditioned on the attributes (Larsen et al., 2016, §4.2)."""

    def likelihood(self) -> ReconstructionLoss:
        """The reconstruction loss."""
        return self.reconstruction

    def objectives(self, play: Play) -> Objectives:
        """−log p(x|z) + KL(q(z|x) ‖ p(z))."""
        posterior = play.modules.encode(play.x_BCHW)
        z = posterior.sample(play.noise)
        (x_rec,) = play.modules.decode(z)
        return Objectives(
            terms={
                "prior": self.prior(posterior, z, play.noise),
                "reconstruction": self.reconstruction(x_rec, play.x_BCHW),
            },
            minimise={"autoencoder": {"prior": 1.0, "reconstruction": 1.0}},
        )
