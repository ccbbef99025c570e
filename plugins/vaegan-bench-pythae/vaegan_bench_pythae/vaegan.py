"""pythae's VAE/GAN, with the gradients that pythae's trainer gives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from pythae.models import VAEGAN, VAEGANConfig  # type: ignore[import-untyped]

from vaegan_bench.api import Model, Modules, Objectives, Play
from vaegan_bench_pythae.networks import Decoder, Discriminator, Encoder
from vaegan_bench_pythae.play import run_model

LAYERS = (-1, 1, Discriminator.depth)


@dataclass(frozen=True, kw_only=True)
class PythaeVAEGAN(Model):
    """The VAE/GAN of pythae (Chadebec et al., 2022) as its trainer trains it; beside Larsen et al. (2016), algorithm 1.

    In pythae's trainer gradients of later losses add up in networks that an earlier loss has filled, see `routing`.
    """

    name = "pythae-vaegan"
    players: ClassVar = {"encoder": ("encoder",), "decoder": ("decoder",), "discriminator": ("discriminator",)}
    adversarial_loss_scale: float = 0.5
    """λ in [0, 1]: the decoder's loss is (1 − λ) · similarity − λ · cost of the discriminator."""
    reconstruction_layer: int = 1
    """Where images are compared: 1 is Dis_l; 2 or −1, pythae's own default, is the probability of 'real' itself."""
    equilibrium: float = 0.68
    """The discriminator's cost per side around which both players move."""
    margin: float = 0.4
    """How far a cost may be from the equilibrium before the stronger side skips the step."""
    routing: Literal["pythae", "paper"] = "pythae"
    """The routing of losses: pythae's trainer adds the decoder's to the encoder, the discriminator's to the decoder."""

    def __post_init__(self) -> None:
        if not 0 <= self.adversarial_loss_scale <= 1:
            raise ValueError(f"adversarial_loss_scale must be in [0, 1], not {self.adversarial_loss_scale}")
        if self.reconstruction_layer not in LAYERS:
            raise ValueError(f"reconstruction_layer must be -1, 1 or 2, not {self.reconstruction_layer}")

    def objectives(self, play: Play) -> Objectives:
        """pythae's three losses, and the players that each of them reaches."""
        output = run_model(play, self._construct)
        losses = {f"{player}_loss": output[f"{player}_loss"] for player in self.players}
        moving = {player: bool(output[f"update_{player}"]) for player in self.players}
        return Objectives(
            terms=losses,
            minimise=self._route(moving),
            log={"similarity": output.recon_loss, "prior": output.encoder_loss - output.recon_loss},
        )

    def _construct(self, modules: Modules, precision: torch.autocast, latent: int) -> VAEGAN:
        config = VAEGANConfig(
            latent_dim=latent,
            adversarial_loss_scale=self.adversarial_loss_scale,
            reconstruction_layer=self.reconstruction_layer,
            equilibrium=self.equilibrium,
            margin=self.margin,
        )
        wrapped = [wrap(modules, precision) for wrap in (Encoder, Decoder, Discriminator)]
        return VAEGAN(config, *wrapped)

    def _route(self, moving: Mapping[str, bool]) -> dict[str, dict[str, float]]:
        """Player → losses, for the players that move.

        pythae's trainer goes backward through the losses of encoder, decoder and discriminator in this order, clears
        the gradients of a network only just before its own loss, and steps at the end: what comes later is added.
        """
        reached = {player: {f"{player}_loss": 1.0} for player, moves in moving.items() if moves}
        if self.routing == "pythae" and moving["decoder"]:
            reached["encoder"]["decoder_loss"] = 1.0
            if moving["discriminator"]:
                reached["decoder"]["discriminator_loss"] = 1.0
        return reached
