"""The common base of models of quantised codes: their networks, and the step from images to reconstructions."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from vaegan_bench.api import ImageShape, Model, Networks, Objectives, Play, Prediction, Quantiser
from vaegan_bench.networks.deterministic import build_encoder
from vaegan_bench_tokenizers.first_stage import ImageLosses
from vaegan_bench_tokenizers.vq import VQ


@dataclass(frozen=True, kw_only=True)
class QuantisedCodes(Model):
    """Fields and networks of a model whose decoder sees members of a finite set."""

    quantiser: Quantiser = VQ()

    def build(self, role: str, networks: Networks, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        """The study's networks, an encoder without a variance, and the quantiser."""
        match role:
            case "quantiser":
                return self.quantiser.build(networks.latent_shape)
            case "encoder":
                return build_encoder("deterministic", networks, shape)
        return networks.build(role, shape, heads, conditions)


def autoencode(model: ImageLosses, play: Play) -> tuple[Objectives, Prediction]:
    """The autoencoder's own part of the game (van den Oord et al., 2017, eq. 3), and its reconstructions."""
    code = play.modules.quantise(play.modules.encode(play.x_BCHW).mu_BZ)
    (x_rec,) = play.modules.decode(code.z_BZ)
    terms = model.image_terms(x_rec, play.x_BCHW)
    if code.cost_B.requires_grad:  # nothing can lower the cost of a set without one, such as FSQ's
        terms["commitment"] = code.cost_B
    return Objectives(terms, {"autoencoder": dict.fromkeys(terms, 1.0)}), x_rec
