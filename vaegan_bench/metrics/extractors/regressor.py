"""A regressor of what conditional models are told, trained here on the training images and cached."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch.nn import functional as F

from vaegan_bench.api import Data, Extractor, FeatureNetwork, Progress, at_least, silent
from vaegan_bench.metrics.extractors.attribute_classifier import AttributeClassifier, Recipe, train_classifier
from vaegan_bench.metrics.extractors.learned_attributes import open_learned
from vaegan_bench.system.tensor_files import Scores


@dataclass(frozen=True, kw_only=True)
class Regressor(Extractor):
    """The attributes as conditional models are told them, by least squares (Larsen et al., 2016, §4.2).

    Scores where the data have them, else −1 and 1. The paper's regressor has nearly the encoder's architecture; this
    one is the oracle's network, with another cost.
    """

    name: ClassVar[str] = "regressor"
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

    def open(self, data: Data, cache: Path, device: torch.device, progress: Progress = silent) -> FeatureNetwork:
        """Load the regressor from `cache`, or train it on all training images and put it there.

        Raises `ExtractorError` where the data have no attributes, or too few images.
        """
        recipe = Recipe(self.width, self.images, self.batch, self.lr, self.seed)
        return open_learned(
            self, recipe, lambda network: _train(network, data, recipe, device, progress), data, cache, device
        )


def _train(
    network: AttributeClassifier, data: Data, recipe: Recipe, device: torch.device, progress: Progress
) -> Scores:
    """Train on standardised attributes, which all count alike, and give the last layer their units back; no scores."""
    images, conditions = (part.to(device) for part in (data.train.images_NCHW, data.train.conditions))
    mean_A, spread_A = conditions.mean(0), conditions.std(0).clamp(min=1e-6)
    wanted = (conditions - mean_A) / spread_A
    train_classifier(network, images, wanted, recipe, progress, F.mse_loss, "regressor training")
    with torch.no_grad():
        network.head.weight.mul_(spread_A[:, None])
        network.head.bias.mul_(spread_A).add_(mean_A)
    return {}
