"""Rivals of the VAE/GAN, each stated as its paper states it: one file each."""

from __future__ import annotations

from vaegan_bench.api import Plugin, hookimpl
from vaegan_bench_rivals.alpha_gan import AlphaGAN
from vaegan_bench_rivals.bigan import BiGAN
from vaegan_bench_rivals.sngan import SNGAN
from vaegan_bench_rivals.soft_introvae import SoftIntroVAE
from vaegan_bench_rivals.wae_gan import WAEGAN
from vaegan_bench_rivals.wgan_gp import WGANGP


@hookimpl
def vaegan_bench_plugins() -> list[type[Plugin]]:
    """The models of this package."""
    return [WAEGAN, AlphaGAN, BiGAN, WGANGP, SNGAN, SoftIntroVAE]
