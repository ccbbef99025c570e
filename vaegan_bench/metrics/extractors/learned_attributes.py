"""The base of extractors that learn the data's attributes: one network, trained once and kept."""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from vaegan_bench.api import (
    Data,
    Extractor,
    ExtractorError,
    FeatureNetwork,
    ImageShape,
    Progress,
    at_least,
    definition,
    silent,
    to_signed,
)
from vaegan_bench.metrics.extractors.attribute_network import AttributeNetwork, Recipe, fresh_network
from vaegan_bench.metrics.extractors.folding import fold_batch_norm
from vaegan_bench.metrics.extractors.frozen_network import Forward, FrozenNetwork, to_rgb
from vaegan_bench.system.code import code_behind
from vaegan_bench.system.tensor_files import Scores, State, load_or_make, sha256_of_state

FEWEST = 20


@dataclass(frozen=True, kw_only=True)
class LearnedExtractor(Extractor):
    """A network with one output per attribute of the data, trained on the training images and cached.

    A subclass defines what the outputs are, and trains for that. Test images play no part in it.
    """

    learns: ClassVar[bool] = True

    images: int = 40_000
    """Training images seen, repeats included."""
    batch: int = 128
    width: int = 32
    """Channels of the first layer."""
    lr: float = 4e-3
    """The highest learning rate of the one-cycle schedule."""
    seed: int = 0

    def __post_init__(self) -> None:
        at_least(self, images=1, batch=2, width=1, seed=0)

    @property
    def recipe(self) -> Recipe:
        """The settings that, with the images, decide the training."""
        return Recipe(self.width, self.images, self.batch, self.lr, self.seed)

    @abstractmethod
    def train(self, network: AttributeNetwork, data: Data, progress: Progress) -> Scores:
        """Train a network in place, on its device; attribute → area under the ROC, where that is measured."""

    def open(self, data: Data, cache: Path, device: torch.device, progress: Progress = silent) -> FeatureNetwork:
        """Load the network from `cache`, or train it and put it there.

        The file is named by images, attributes, fields and code; a damaged one is replaced. Training repeats bit for
        bit on one machine with one number of threads. Raises `ExtractorError` where the data have no attributes, or
        too few images.
        """
        _demand_attributes(self, data)
        network = fresh_network(data.shape, len(data.attribute_names), self.recipe)

        def make() -> tuple[State, Scores]:
            scores = self.train(network.to(device), data, progress)
            return network.state_dict(), scores

        state, scores = load_or_make(cache / "extractors" / f"{self.name}-{_key(self, data)}.safetensors", make)
        network.load_state_dict(state)
        return FrozenNetwork(
            name=str(self),
            digest=sha256_of_state(state),
            protocol={
                "resize": f"bilinear antialiased {data.shape.height}x{data.shape.width}",
                "dtype": "float32",
                "learned": f"{self.images} views of training images",
            },
            forward=_forward_of(network.eval().to(device), data.shape),
            device=device,
            batch=64 if device.type == "cpu" else 1024,
            columns=data.attribute_names,
            held_out_auc=scores,
        )


def _demand_attributes(extractor: Extractor, data: Data) -> None:
    if not data.attribute_names:
        raise ExtractorError(f"Extractor '{extractor.name}' learns attributes, and these data have none: leave it out.")
    if len(data.train) < FEWEST:
        raise ExtractorError(
            f"Extractor '{extractor.name}' needs at least {FEWEST} training images, not {len(data.train)}."
        )


def _key(extractor: Extractor, data: Data) -> str:
    conditions = hashlib.sha256(data.train.conditions.contiguous().numpy().data).hexdigest()
    code = code_behind(_key, type(extractor)).digest
    decides = json.dumps([definition(extractor), data.digest, conditions, code], sort_keys=True)
    return hashlib.sha256(decides.encode()).hexdigest()[:16]


def _forward_of(network: AttributeNetwork, shape: ImageShape) -> Forward:
    """The forward pass on images of any size and 1 or 3 channels, converted to those of its training."""
    folded = fold_batch_norm(network)

    def forward(images_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        features_BF, columns_BA = folded(to_signed(_like_training_images(images_BCHW, shape)))
        return features_BF, columns_BA

    return forward


def _like_training_images(images_BCHW: Tensor, shape: ImageShape) -> Tensor:
    """Images with the channels and the size of the training images, still in [0, 255]."""
    if images_BCHW.shape[1] != shape.channels:
        rgb = to_rgb(images_BCHW).float()
        images_BCHW = rgb if shape.channels == 3 else rgb.mean(1, keepdim=True)
    if images_BCHW.shape[2:] == (shape.height, shape.width):
        return images_BCHW
    return F.interpolate(images_BCHW.float(), size=(shape.height, shape.width), mode="bilinear", antialias=True)
