"""A regressor of what conditional models are told, trained here on the training pictures and cached."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch.nn import functional as F

from vaegan_bench.api import Data, Extractor, ExtractorError, FeatureNetwork, Progress, at_least, definition, silent
from vaegan_bench.extractors.attribute_classifier import (
    AttributeClassifier,
    Recipe,
    fresh_classifier,
    train_classifier,
)
from vaegan_bench.extractors.frozen_network import FrozenNetwork
from vaegan_bench.extractors.oracle import forward_of
from vaegan_bench.tensor_files import Scores, State, kept, sha256_of_state

CODE_VERSION = 1
"""Raised with every change that changes the trained weights, so that older caches are not used."""
FEWEST = 20


@dataclass(frozen=True, kw_only=True)
class Regressor(Extractor):
    """The attributes as conditional models are told them, by least squares (Larsen et al., 2016, §4.2).

    Scores where the data have them, else −1 and 1. The paper's regressor has nearly the encoder's architecture; this
    one is the oracle's network, with another cost.
    """

    name: ClassVar[str] = "regressor"
    learns: ClassVar[bool] = True

    images: int = 40_000
    """Training pictures seen, repeats included."""
    batch: int = 128
    width: int = 32
    """Channels of the first layer."""
    lr: float = 4e-3
    """The highest learning rate of the one-cycle schedule."""
    seed: int = 0

    def __post_init__(self) -> None:
        at_least(self, images=1, batch=2, width=1, seed=0)

    def open(self, data: Data, cache: Path, device: torch.device, progress: Progress = silent) -> FeatureNetwork:
        """Load the regressor from `cache`, or train it on all training pictures and put it there.

        Raises `ExtractorError` where the data have no attributes, or too few pictures.
        """
        if not data.attribute_names or len(data.train) < FEWEST:
            raise ExtractorError(f"Extractor 'regressor' needs attributes, and at least {FEWEST} training pictures.")
        recipe = Recipe(self.width, self.images, self.batch, self.lr, self.seed)
        network = fresh_classifier(data.shape, len(data.attribute_names), recipe)

        def trained() -> tuple[State, Scores]:
            train_in_units(network.to(device), data, recipe, device, progress)
            return network.state_dict(), {}

        state, _ = kept(cache / "extractors" / f"regressor-{self._key(data)}.safetensors", trained)
        network.load_state_dict(state)
        return FrozenNetwork(
            name=str(self),
            digest=sha256_of_state(state),
            protocol={"resize": f"bilinear antialiased {data.shape.height}x{data.shape.width}", "dtype": "float32"},
            forward=forward_of(network.eval().to(device), data.shape),
            device=device,
            batch=128 if device.type == "cpu" else 1024,
            columns=data.attribute_names,
        )

    def _key(self, data: Data) -> str:
        told = hashlib.sha256(data.train.conditions.contiguous().numpy().data).hexdigest()
        decides = json.dumps([CODE_VERSION, data.digest, told, definition(self)], sort_keys=True)
        return hashlib.sha256(decides.encode()).hexdigest()[:16]


def train_in_units(
    network: AttributeClassifier, data: Data, recipe: Recipe, device: torch.device, progress: Progress
) -> None:
    """Train on standardised attributes, which all count alike, and give the last layer their units back."""
    images, conditions = (part.to(device) for part in (data.train.images_NCHW, data.train.conditions))
    mean_A, spread_A = conditions.mean(0), conditions.std(0).clamp(min=1e-6)
    wanted = (conditions - mean_A) / spread_A
    train_classifier(network, images, wanted, recipe, progress, F.mse_loss, "regressor training")
    with torch.no_grad():
        network.head.weight.mul_(spread_A[:, None])
        network.head.bias.mul_(spread_A).add_(mean_A)
