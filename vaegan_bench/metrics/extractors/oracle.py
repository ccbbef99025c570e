"""A classifier of the data's own attributes, trained here on the training images and cached."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch

from vaegan_bench.api import Data, Extractor, FeatureNetwork, Progress, at_least, silent
from vaegan_bench.metrics.extractors.attribute_classifier import AttributeClassifier, Recipe, scaled, train_classifier
from vaegan_bench.metrics.extractors.attribute_scores import area_under_roc
from vaegan_bench.metrics.extractors.learned_attributes import open_learned
from vaegan_bench.system.tensor_files import Scores

HELD_OUT = 0.1
"""The share of training images kept out of training, on which the reported AUC is measured."""


@dataclass(frozen=True, kw_only=True)
class Oracle(Extractor):
    """One logit per attribute of the data, from a small convolutional network trained on the training images.

    Features are its 128 penultimate activations. Test images play no part in its training.
    """

    name: ClassVar[str] = "oracle"
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
        """Load the classifier from `cache`, or train it and put it there.

        Raises `ExtractorError` where the data have no attributes, or too few images.
        """
        recipe = Recipe(self.width, self.images, self.batch, self.lr, self.seed)
        return open_learned(
            self, recipe, lambda network: _train(network, data, recipe, device, progress), data, cache, device
        )


def _train(
    classifier: AttributeClassifier, data: Data, recipe: Recipe, device: torch.device, progress: Progress
) -> Scores:
    """Train on nine tenths of the training images and score on the last tenth: attribute → area under the ROC."""
    order = torch.randperm(len(data.train), generator=torch.Generator().manual_seed(recipe.seed))
    held_out, kept = order.tensor_split([int(HELD_OUT * len(order))])
    images, attributes = data.train.images_NCHW, data.train.attributes_NA
    train_classifier(classifier, images[kept].to(device), attributes[kept].to(device), recipe, progress)
    with torch.no_grad():
        logits = [classifier(scaled(part.to(device)))[1] for part in images[held_out].split(256)]
    auc = area_under_roc(torch.cat(logits), attributes[held_out])
    return dict(zip(data.attribute_names, auc.tolist(), strict=True))
