"""pythae's own VAE and VAE/GAN, trained with the networks, the data and the seeds of a vaegan-bench study."""

from __future__ import annotations

from vaegan_bench.api import Plugin, hookimpl
from vaegan_bench_pythae.vae import PythaeVAE
from vaegan_bench_pythae.vaegan import PythaeVAEGAN

__all__ = ["PythaeVAE", "PythaeVAEGAN"]


@hookimpl
def vaegan_bench_plugins() -> list[type[Plugin]]:
    """The two models."""
    return [PythaeVAE, PythaeVAEGAN]
