"""The VAE that compares images in the features of a discriminator, which a GAN has trained before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from vaegan_bench.api import Lender, Model, Objectives, Play, Prediction, PriorLoss, ReconstructionLoss
from vaegan_bench.losses.prior.kl import KL
from vaegan_bench.losses.reconstruction.gaussian import Gaussian
from vaegan_bench.models.gan import GAN


@dataclass(frozen=True, kw_only=True)
class VAEDisl(Model):
    """A VAE that reconstructs in the features of a trained GAN's frozen discriminator (Larsen et al., 2016, §4.1)."""

    name = "vae-disl"
    players: ClassVar = {"autoencoder": ("encoder", "decoder", "scale")}
    similarity: ReconstructionLoss = Gaussian()
    """The likelihood of Dis_l(x), not of pixels."""
    prior: PriorLoss = KL()
    gan: Model = GAN()
    """The model that is trained first, with the same seed, and lends its discriminator."""
    conditional: bool = False
    """Whether encoder, decoder and discriminator are conditioned on the attributes (Larsen et al., 2016, §4.2)."""

    def __post_init__(self) -> None:
        self.similarity.demand_features("similarity")
        if self.conditional != self.gan.conditional:
            raise ValueError("conditional must be the same for gan, whose discriminator this model borrows")
        if not any("discriminator" in owned for owned in self.gan.players.values()):
            raise ValueError(f"gan must be a model that trains a discriminator, and '{self.gan.name}' has none")

    def borrows(self) -> Mapping[str, Lender]:
        """The GAN's discriminator."""
        return {"discriminator": Lender(self.gan, "discriminator")}

    def objectives(self, play: Play) -> Objectives:
        """−log p(Dis_l(x)|z) + KL(q(z|x) ‖ p(z))."""
        posterior = play.modules.encode(play.x_BCHW)
        z = posterior.sample(play.noise)
        (x_rec,) = play.modules.decode(z)
        real, rec = play.modules.judge(play.x_BCHW, x_rec.mean)
        return Objectives(
            terms={
                "prior": self.prior(posterior, z, play.noise),
                "similarity": self.similarity(Prediction(rec.features_BF, play.modules.log_sigma), real.features_BF),
            },
            minimise={"autoencoder": {"prior": 1.0, "similarity": 1.0}},
        )
