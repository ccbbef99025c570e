"""The autoencoder of quantised codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from vaegan_bench.api import Objectives, Play
from vaegan_bench_tokenizers.first_stage import ImageLosses
from vaegan_bench_tokenizers.quantised import QuantisedCodes, autoencode


@dataclass(frozen=True, kw_only=True)
class VQVAE(QuantisedCodes, ImageLosses):
    """One player reconstructs from the codes of a finite set (van den Oord et al., 2017, eq. 3)."""

    name = "vq-vae"
    players: ClassVar = {"autoencoder": ("encoder", "quantiser", "decoder", "scale")}

    def objectives(self, play: Play) -> Objectives:
        """Reconstruction + perceptual + commitment; the code book learns by itself."""
        game, _ = autoencode(self, play)
        return game
