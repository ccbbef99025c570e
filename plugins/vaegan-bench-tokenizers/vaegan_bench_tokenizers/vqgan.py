"""The autoencoder of quantised codes with a discriminator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from vaegan_bench.api import Objectives, Play
from vaegan_bench_tokenizers.first_stage import FirstStage
from vaegan_bench_tokenizers.quantised import QuantisedCodes, autoencode


@dataclass(frozen=True, kw_only=True)
class VQGAN(QuantisedCodes, FirstStage):
    """Reconstruct from the codes of a finite set and fool a discriminator of that (Esser et al., 2021, eq. 4–6)."""

    name = "vqgan"
    players: ClassVar = {
        "autoencoder": ("encoder", "quantiser", "decoder", "scale"),
        "discriminator": ("discriminator", "memory"),
    }

    def objectives(self, play: Play) -> Objectives:
        """Autoencoder: reconstruction + perceptual + commitment + generator; discriminator: its own cost."""
        autoencoding, x_rec = autoencode(self, play)
        return self.against_a_discriminator(autoencoding, play, x_rec)
