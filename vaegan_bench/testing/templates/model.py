"""A model of my own."""

from dataclasses import dataclass
from typing import ClassVar

from vaegan_bench.api import Model, Objectives, Play, Plugin, PriorLoss, ReconstructionLoss, hookimpl
from vaegan_bench.losses.prior.kl import KL
from vaegan_bench.losses.reconstruction.gaussian import Gaussian


@dataclass(frozen=True, kw_only=True)
class MyPlugin(Model):
    """Two players; the decoder minimises the reconstruction alone: write here, in one line, what yours is."""

    name = "my-plugin"
    players: ClassVar = {"encoder": ("encoder",), "decoder": ("decoder", "scale")}
    reconstruction: ReconstructionLoss = Gaussian()
    prior: PriorLoss = KL()

    def objectives(self, play: Play) -> Objectives:
        """The terms, and for each player the coefficients of those that it minimises; the harness does the rest."""
        posterior = play.modules.encode(play.x_BCHW)
        z = posterior.sample(play.noise)
        (x_rec,) = play.modules.decode(z)
        return Objectives(
            terms={
                "prior": self.prior(posterior, z, play.noise),
                "reconstruction": self.reconstruction(x_rec, play.x_BCHW),
            },
            minimise={"encoder": {"prior": 1.0, "reconstruction": 1.0}, "decoder": {"reconstruction": 1.0}},
        )


@hookimpl
def vaegan_bench_plugins() -> list[type[Plugin]]:
    """Register it."""
    return [MyPlugin]
