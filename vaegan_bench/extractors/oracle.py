"""A classifier of the data's own attributes, trained here on the training pictures and cached."""

from __future__ import annotations

import hashlib
import json
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
)
from vaegan_bench.extractors.attribute_classifier import (
    AttributeClassifier,
    Recipe,
    fresh_classifier,
    scaled,
    train_classifier,
)
from vaegan_bench.extractors.attribute_scores import area_under_roc
from vaegan_bench.extractors.folding import fold_batch_norm
from vaegan_bench.extractors.frozen_network import Forward, FrozenNetwork, to_rgb
from vaegan_bench.tensor_files import Scores, State, kept, sha256_of_state

CODE_VERSION = 1
"""Raised with every change that changes the trained weights, so that older caches are not used."""
HELD_OUT = 0.1
"""The share of training pictures kept out of training, on which the reported AUC is measured."""
FEWEST = 20


@dataclass(frozen=True, kw_only=True)
class Oracle(Extractor):
    """One logit per attribute of the data, from a small convolutional network trained on the training pictures.

    Features are its 128 penultimate activations. Test pictures play no part in its training.
    """

    name: ClassVar[str] = "oracle"
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
        """Load the classifier from `cache`, or train it and put it there; a damaged file is replaced.

        Training repeats bit for bit on one machine with one number of threads.
        Raises `ExtractorError` where the data have no attributes, or too few pictures.
        """
        _require_enough(data)
        recipe = Recipe(self.width, self.images, self.batch, self.lr, self.seed)
        classifier = fresh_classifier(data.shape, len(data.attribute_names), recipe)
        path = cache / "extractors" / f"oracle-{self._key(data)}.safetensors"
        state, scores = kept(path, lambda: _train(classifier, data, recipe, device, progress))
        classifier.load_state_dict(state)
        return FrozenNetwork(
            name=str(self),
            digest=sha256_of_state(state),
            protocol={"resize": f"bilinear antialiased {data.shape.height}x{data.shape.width}", "dtype": "float32"},
            forward=forward_of(classifier.eval().to(device), data.shape),
            device=device,
            batch=128 if device.type == "cpu" else 1024,
            columns=data.attribute_names,
            held_out_auc=scores,
        )

    def _key(self, data: Data) -> str:
        decides = json.dumps([CODE_VERSION, data.digest, definition(self)], sort_keys=True)
        return hashlib.sha256(decides.encode()).hexdigest()[:16]


def _require_enough(data: Data) -> None:
    if not data.attribute_names:
        raise ExtractorError("Extractor 'oracle' learns attributes, and these data have none: leave it out.")
    if len(data.train) < FEWEST:
        raise ExtractorError(f"Extractor 'oracle' needs at least {FEWEST} training pictures, not {len(data.train)}.")


def _train(
    classifier: AttributeClassifier, data: Data, recipe: Recipe, device: torch.device, progress: Progress
) -> tuple[State, Scores]:
    """Train on nine tenths of the training pictures and score on the last tenth."""
    order = torch.randperm(len(data.train), generator=torch.Generator().manual_seed(recipe.seed))
    held_out, kept = order.tensor_split([int(HELD_OUT * len(order))])
    images, attributes = data.train.images_NCHW, data.train.attributes_NA
    train_classifier(classifier.to(device), images[kept].to(device), attributes[kept].to(device), recipe, progress)
    with torch.no_grad():
        logits = [classifier(scaled(part.to(device)))[1] for part in images[held_out].split(256)]
    auc = area_under_roc(torch.cat(logits), attributes[held_out])
    return classifier.state_dict(), dict(zip(data.attribute_names, auc.tolist(), strict=True))


def forward_of(classifier: AttributeClassifier, shape: ImageShape) -> Forward:
    """The forward pass on pictures of any size and 1 or 3 channels, made into such as it was trained on."""
    network = fold_batch_norm(classifier)

    def forward(images_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        features_BF, logits_BA = network(scaled(_as_trained(images_BCHW, shape)))
        return features_BF, logits_BA

    return forward


def _as_trained(images_BCHW: Tensor, shape: ImageShape) -> Tensor:
    """Pictures with the channels and the size of the training pictures, still in [0, 255]."""
    if images_BCHW.shape[1] != shape.channels:
        rgb = to_rgb(images_BCHW).float()
        images_BCHW = rgb if shape.channels == 3 else rgb.mean(1, keepdim=True)
    if images_BCHW.shape[2:] == (shape.height, shape.width):
        return images_BCHW
    return F.interpolate(images_BCHW.float(), size=(shape.height, shape.width), mode="bilinear", antialias=True)
