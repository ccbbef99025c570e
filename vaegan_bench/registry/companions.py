"""What the packages in plugins/ bring, so that an error can say which one to install."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

COMPANIONS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "vaegan-bench-dicebear": {"dataset": ("dicebear",)},
    "vaegan-bench-perceptual": {
        "reconstruction loss": ("features", "focal-frequency", "perceptual", "ssim", "ssim-pyramid"),
        "metric": ("perceptual",),
        "extractor": ("vgg16-maps",),
    },
    "vaegan-bench-pythae": {"model": ("pythae-vae", "pythae-vaegan")},
    "vaegan-bench-rivals": {"model": ("alpha-gan", "bigan", "sngan", "soft-introvae", "wae-gan", "wgan-gp")},
    "vaegan-bench-tokenizers": {
        "model": ("kl-autoencoder", "vq-vae", "vqgan"),
        "quantiser": ("fsq", "vq"),
        "networks": ("projected", "tokenizer"),
        "study": ("tokenizers",),
    },
}
"""Package → kind of plugin → names; studies are listed with the kinds."""


def package_of(name: str, kind: str = "") -> str:
    """The package of this name, or that brings a plugin or study of it, of this kind if one is given; '' for none."""
    for package, names in COMPANIONS.items():
        if name == package or name in (names.get(kind, ()) if kind else chain.from_iterable(names.values())):
            return package
    return ""
