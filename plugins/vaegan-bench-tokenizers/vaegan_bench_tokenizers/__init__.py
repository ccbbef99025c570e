"""The autoencoders in front of diffusion models and transformers: their games, quantisers, networks and study."""

from __future__ import annotations

from pathlib import Path

from vaegan_bench.api import Plugin, hookimpl
from vaegan_bench_tokenizers.fsq import FSQ
from vaegan_bench_tokenizers.kl_autoencoder import KLAutoencoder
from vaegan_bench_tokenizers.projected import Projected
from vaegan_bench_tokenizers.tokenizer import Tokenizer
from vaegan_bench_tokenizers.vq import VQ
from vaegan_bench_tokenizers.vq_vae import VQVAE
from vaegan_bench_tokenizers.vqgan import VQGAN


@hookimpl
def vaegan_bench_plugins() -> list[type[Plugin]]:
    """Three models, two quantisers, the networks that go with them, and a discriminator of frozen features."""
    return [KLAutoencoder, VQVAE, VQGAN, VQ, FSQ, Tokenizer, Projected]


@hookimpl
def vaegan_bench_studies() -> list[Path]:
    """What a discriminator buys and costs, for three kinds of codes: `vaegan-bench run tokenizers`."""
    return [Path(__file__).parent / "tokenizers.toml"]
