"""Networks that see images as numbers: their features are what metrics, losses and discriminators compare."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from vaegan_bench.api.data import Data, Progress, silent
from vaegan_bench.api.plugin import Plugin


@dataclass(frozen=True, eq=False)
class Features:
    """The output of a feature network for N images, on the network's device."""

    features_NF: Tensor
    """(N, F) float32."""
    logits_NK: Tensor
    """(N, K) float32: class logits, or one logit per attribute for the oracle."""


class FeatureNetwork(Protocol):
    """A feature network that is loaded and ready."""

    name: str
    """Its name in columns: its selector; it is 'inception' only with the known weights."""
    digest: str
    """A hash of its weights."""
    protocol: Mapping[str, str]
    """How images are preprocessed: 'resize' (method and size) and 'dtype'."""
    columns: tuple[str, ...]
    """The names of the logits if they are attributes; () otherwise."""

    def __call__(self, images_NCHW: Tensor, progress: Progress = silent) -> Features:
        """Features of uint8 images of any size and 1 or 3 channels."""


class MapNetwork(FeatureNetwork, Protocol):
    """A feature network that also gives maps of activations, for losses and discriminators trained through it."""

    def maps(self, images_BCHW: Tensor) -> list[Tensor]:
        """Activations at several depths, the finest first, (B, C_l, h_l, w_l) each, float32.

        `images_BCHW` are float images of any size and 1 or 3 channels with levels in [0, 255], not rounded; maps are
        differentiable in them.
        """


class Extractor(Plugin):
    """A pretrained or trained feature network."""

    kind: ClassVar[str] = "extractor"
    classes: ClassVar[bool] = False
    """Whether its logits are those of exclusive classes, which an inception score needs."""
    learns: ClassVar[bool] = False
    """Whether it is trained on the data. Others are opened before any training, so that missing weights show early."""
    has_maps: ClassVar[bool] = False
    """Whether `open` gives a `MapNetwork`."""
    same_network: ClassVar[str] = ""
    """The name of another extractor with the same weights: training on this one is training on that one."""

    def chosen_for(self, data: Data) -> Extractor:
        """The extractor to use for these data: this one, unless it selects another one by the data."""
        return self

    @abstractmethod
    def open(self, data: Data, cache: Path, device: torch.device, progress: Progress = silent) -> FeatureNetwork:
        """Load the network; one that learns from `data.train` is trained and cached.

        Raises `ExtractorError` where weights are missing or wrong, saying which file to put where.
        """
