"""pythae's VAE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from pythae.models import VAE, VAEConfig  # type: ignore[import-untyped]

from vaegan_bench.api import Model, Modules, Objectives, Play
from vaegan_bench_pythae.networks import Decoder, Encoder
from vaegan_bench_pythae.play import run_model


@dataclass(frozen=True, kw_only=True)
class PythaeVAE(Model):
    """The VAE of pythae (Chadebec et al., 2022) with its own loss code (Kingma & Welling, 2014, eq. 3)."""

    name = "pythae-vae"
    players: ClassVar = {"autoencoder": ("encoder", "decoder")}
    reconstruction_loss: Literal["mse", "bce"] = "mse"
    """½ · squared error, or cross-entropy, both of images in [0, 1] and summed over pixels; mse in pythae."""

    def objectives(self, play: Play) -> Objectives:
        """The two parts of pythae's loss, which its trainer minimises as one sum with one optimizer."""
        output = run_model(play, self._construct)
        return Objectives(
            terms={"prior": output.reg_loss, "reconstruction": output.recon_loss},
            minimise={"autoencoder": {"prior": 1.0, "reconstruction": 1.0}},
        )

    def _construct(self, modules: Modules, precision: torch.autocast, latent: int) -> VAE:
        config = VAEConfig(latent_dim=latent, reconstruction_loss=self.reconstruction_loss)
        return VAE(config, Encoder(modules, precision), Decoder(modules, precision))
