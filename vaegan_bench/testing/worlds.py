"""Outputs made by hand, with known answers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from vaegan_bench.api import (
    Data,
    Derive,
    Extractor,
    FeatureNetwork,
    Features,
    Posterior,
    Progress,
    Source,
    Split,
    Tokens,
    silent,
    to_signed,
)
from vaegan_bench.evaluation.references import demand_module_level
from vaegan_bench.testing.verdicts import seeded

Read = Callable[[Tensor], Tensor]


@dataclass(eq=False)
class StandInNetwork:
    """Computes features and logits from the pixels, by one function each."""

    features: Read
    logits: Read
    columns: tuple[str, ...] = ()
    name: str = "stand-in"
    digest: str = "0123456789abcdef"
    protocol: Mapping[str, str] = field(default_factory=lambda: {"resize": "none", "dtype": "float32"})

    def __call__(self, images_NCHW: Tensor, progress: Progress = silent) -> Features:
        """The results of the two functions."""
        return Features(self.features(images_NCHW).float(), self.logits(images_NCHW).float())

    def maps(self, images_BCHW: Tensor) -> list[Tensor]:
        """The image, and its halves above each other."""
        return [images_BCHW.float(), images_BCHW.float().unflatten(2, (2, -1)).mean(3)]


@dataclass(frozen=True, kw_only=True)
class StandIn(Extractor):
    """Names an extractor where the outputs know only one network."""

    name: ClassVar[str] = "stand-in"
    has_maps: ClassVar[bool] = True

    def open(self, data: Data, cache: Path, device: torch.device, progress: Progress = silent) -> FeatureNetwork:
        """Never called: outputs made by hand hold their network already."""
        raise NotImplementedError


@dataclass(eq=False)
class StandInOutputs:
    """Outputs made by hand; every extractor stands for the same network, whose features those in `given` override."""

    data: Data
    real: Tensor
    samples: Tensor
    opened: FeatureNetwork
    reconstructions: Tensor | None = None
    means: Tensor | None = None
    train_means: Tensor | None = None
    decoder: Read | None = None
    given: Mapping[Source, Features] = field(default_factory=dict)
    posterior: Posterior | None = None
    latent: int = 0
    conditional: bool = False
    train_posterior: Posterior | None = None
    tokens: Tokens | None = None
    likelihood: Callable[[Tensor, Tensor], Tensor] | None = None
    sampler: str = ""
    """The selector of a sampler; '' for the prior."""

    @property
    def progress(self) -> Progress:
        """Progress is not shown."""
        return silent

    @property
    def train(self) -> Tensor:
        """The training images."""
        return self.data.train.images_NCHW

    def codes(self, n: int) -> Tensor:
        """Draws from N(0, I), or from N(1, I) where there is a sampler."""
        drawn_NZ = torch.randn(n, self.latent, generator=torch.Generator().manual_seed(1))
        return drawn_NZ + 1 if self.sampler else drawn_NZ

    @property
    def code_protocol(self) -> Mapping[str, str]:
        """The sampler, where there is one."""
        return {"sampler": self.sampler} if self.sampler else {}

    def decode(self, z_NZ: Tensor, attributes_NA: Tensor | None = None) -> Tensor:
        """The images of the given decoder."""
        assert self.decoder is not None
        return self.decoder(z_NZ)

    def log_likelihood(self, x_NCHW: Tensor, z_NZ: Tensor, attributes_NA: Tensor | None = None) -> Tensor | None:
        """The given likelihood; None without one."""
        return None if self.likelihood is None else self.likelihood(x_NCHW, z_NZ)

    def network(self, extractor: Extractor) -> FeatureNetwork:
        """The one network."""
        return self.opened

    def features(self, extractor: Extractor, source: Source) -> Features:
        """The features in `given`, or else those of the network."""
        if source in self.given:
            return self.given[source]
        images = {
            "real": self.real,
            "samples": self.samples,
            "reconstructions": self.reconstructions,
            "train": self.train,
        }[source]
        assert images is not None
        return self.opened(images)

    def reference(self, extractor: Extractor, derive: Derive, **parameters: int | float | str) -> Mapping[str, Tensor]:
        """The derived quantity, computed anew each time."""
        demand_module_level(derive)
        return derive(self.features(extractor, "real"), **parameters)


def gaussian_around(decoder: Read, levels: float = 10.0) -> Callable[[Tensor, Tensor], Tensor]:
    """The log-likelihood of a Gaussian around the decoder's image, whose standard deviation is `levels` of 255."""
    sigma = levels / 127.5

    def likelihood(x_NCHW: Tensor, z_NZ: Tensor) -> Tensor:
        standardised_NCHW = (x_NCHW.double() - to_signed(decoder(z_NZ))) / sigma
        nll_NCHW = 0.5 * standardised_NCHW.square() + math.log(sigma) + 0.5 * math.log(2 * math.pi)
        return -nll_NCHW.flatten(1).sum(1)

    return likelihood


def pixels(images_NCHW: Tensor) -> Tensor:
    """Every pixel as a feature."""
    return images_NCHW.flatten(1).float()


def data_of(images_NCHW: Tensor, attributes_NA: Tensor | None = None, names: tuple[str, ...] = ()) -> Data:
    """The same images for training and for testing."""
    if attributes_NA is None:
        attributes_NA = torch.zeros(len(images_NCHW), 0, dtype=torch.bool)
    split = Split(images_NCHW, attributes_NA)
    return Data(split, split, names, digest="made by hand")


def attribute_codes(n: int, names: Sequence[str], seed: int) -> tuple[Tensor, Tensor]:
    """Attributes, and codes whose signs are almost always those of the attributes; (n, A) each."""
    noise = seeded(seed)
    on_NA = torch.rand(n, len(names), generator=noise) < 0.4
    return on_NA, torch.where(on_NA, 1.0, -1.0) + 0.2 * torch.randn(on_NA.shape, generator=noise)


@dataclass(frozen=True)
class Signs:
    """A world with a known answer: each attribute is one pixel, bright if on, and one coordinate of the code."""

    names: tuple[str, ...] = ("Smiling", "Eyeglasses", "Hat", "Beard")
    n: int = 400

    def decode(self, z_NZ: Tensor) -> Tensor:
        """One pixel per coordinate; (N, 1, 1, A) uint8."""
        return (127.5 + 60 * z_NZ).clamp(0, 255).to(torch.uint8)[:, None, None, :]

    def outputs(self) -> StandInOutputs:
        """The outputs of a perfect model of this world."""
        on_NA, z_NZ = attribute_codes(self.n, self.names, seed=0)
        images = self.decode(z_NZ)
        network = StandInNetwork(pixels, lambda images: pixels(images) - 127.5, columns=self.names)
        data = data_of(images, on_NA, self.names)
        return StandInOutputs(data, images, images, network, images, z_NZ, z_NZ, self.decode, latent=len(self.names))
