"""The introspective VAE with soft thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from vaegan_bench.api import Model, Modules, Objectives, Play, PriorLoss, at_least
from vaegan_bench.losses.prior.kl import KL


@dataclass(frozen=True, kw_only=True)
class SoftIntroVAE(Model):
    """A VAE whose encoder is the discriminator, by the ELBO that it gives fakes (Daniel & Tamar, 2021, algorithm 1)."""

    name = "soft-introvae"
    players: ClassVar = {"encoder": ("encoder",), "decoder": ("decoder",)}
    prior: PriorLoss = KL()
    beta_rec: float = 1.0
    """The coefficient of reconstruction errors."""
    beta_kl: float = 1.0
    """The coefficient of the divergence from the prior, of images for the encoder and of fakes for the decoder."""
    beta_neg: float = 256.0
    """The coefficient of the divergence of fakes within the encoder's exponential."""
    gamma_r: float = 1e-8
    """The coefficient of the reconstruction of fakes in the decoder's objective."""
    alpha: float = 2.0
    """How sharply the encoder tells good fakes from bad ones."""

    def __post_init__(self) -> None:
        at_least(self, beta_rec=0, beta_kl=0, beta_neg=0, gamma_r=0)
        if self.alpha <= 0:
            raise ValueError(f"alpha must be positive, not {self.alpha}")

    def objectives(self, play: Play) -> Objectives:
        """Encoder: −ELBO(x) + exp(α·ELBO(fake))/α; decoder: −ELBO(x) − ELBO(fake), its reconstruction times γ."""
        x, modules = play.x_BCHW, play.modules
        posterior = modules.encode(x)
        z, z_prior = posterior.sample(play.noise), self.sample_prior(len(x), play.latent, play.noise)
        x_rec = modules.decode(z)[0].mean
        # The encoder judges fakes and does not make them: the codes behind reconstructions are held as they are. Each
        # batch is made and judged by itself, as batch norm over both would let the gradient pass from one to the other.
        fakes = [modules.decode(codes)[0].mean for codes in (z.detach(), z_prior)]
        scale = 1 / x[0].numel()
        costs = [self._costs_of(modules, fakes_BCHW, scale, play.noise) for fakes_BCHW in fakes]
        prior_fake, held, exp_elbo = (torch.stack(both).mean(0) for both in zip(*costs, strict=True))
        return Objectives(
            terms={
                "prior": self.prior(posterior, z, play.noise),
                "reconstruction": squared_error(x_rec, x),
                "prior of fakes": prior_fake,
                "reconstruction of fakes": held,
                "exp-elbo of fakes": exp_elbo,
            },
            minimise={
                "encoder": {
                    "prior": scale * self.beta_kl,
                    "reconstruction": scale * self.beta_rec,
                    "exp-elbo of fakes": 1 / self.alpha,
                },
                "decoder": {
                    "prior of fakes": scale * self.beta_kl,
                    "reconstruction": scale * self.beta_rec,
                    "reconstruction of fakes": scale * self.beta_rec * self.gamma_r,
                },
            },
        )

    def _costs_of(
        self, modules: Modules, fakes_BCHW: Tensor, scale: float, noise: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Divergence from the prior and reconstruction error, for the decoder, and exp(α·ELBO) of fakes; (B,) each."""
        posterior = modules.encode(fakes_BCHW)
        z = posterior.sample(noise)
        # The decoder learns to decode the codes of its fakes, not to make fakes whose codes are easy to decode.
        encoded, held = (modules.decode(codes)[0].mean for codes in (z, z.detach()))
        prior = self.prior(posterior, z, noise)
        energy = self.beta_rec * squared_error(encoded, fakes_BCHW) + self.beta_neg * prior
        return prior, squared_error(held, fakes_BCHW.detach()), torch.exp(-self.alpha * scale * energy)


def squared_error(first_BCHW: Tensor, second_BCHW: Tensor) -> Tensor:
    """The squared distance of two batches in [-1, 1] as of images in [0, 1], the range of the paper; (B,)."""
    return (0.5 * (first_BCHW - second_BCHW)).square().flatten(1).sum(1)
