"""What extractors that learn the data's attributes share: one network, trained once and kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from vaegan_bench.api import Data, Extractor, ExtractorError, ImageShape, definition
from vaegan_bench.metrics.extractors.attribute_classifier import AttributeClassifier, Recipe, fresh_classifier, scaled
from vaegan_bench.metrics.extractors.folding import fold_batch_norm
from vaegan_bench.metrics.extractors.frozen_network import Forward, FrozenNetwork, to_rgb
from vaegan_bench.system.code import code_behind
from vaegan_bench.system.tensor_files import Scores, State, kept, sha256_of_state

FEWEST = 20


def open_learned(
    extractor: Extractor,
    recipe: Recipe,
    train: Callable[[AttributeClassifier], Scores],
    data: Data,
    cache: Path,
    device: torch.device,
) -> FrozenNetwork:
    """The network that an extractor learns: from `cache`, or trained by `train`, which scores it, and put there.

    The file is known by images, attributes, fields and code; a damaged one is replaced. Training repeats bit for bit
    on one machine with one number of threads. Raises `ExtractorError` where the data have no attributes, or too few
    images.
    """
    if not data.attribute_names:
        raise ExtractorError(f"Extractor '{extractor.name}' learns attributes, and these data have none: leave it out.")
    if len(data.train) < FEWEST:
        raise ExtractorError(
            f"Extractor '{extractor.name}' needs at least {FEWEST} training images, not {len(data.train)}."
        )
    network = fresh_classifier(data.shape, len(data.attribute_names), recipe)

    def trained() -> tuple[State, Scores]:
        scores = train(network.to(device))
        return network.state_dict(), scores

    state, scores = kept(cache / "extractors" / f"{extractor.name}-{_key(extractor, data)}.safetensors", trained)
    network.load_state_dict(state)
    return FrozenNetwork(
        name=str(extractor),
        digest=sha256_of_state(state),
        protocol={"resize": f"bilinear antialiased {data.shape.height}x{data.shape.width}", "dtype": "float32"},
        forward=_forward_of(network.eval().to(device), data.shape),
        device=device,
        batch=128 if device.type == "cpu" else 1024,
        columns=data.attribute_names,
        held_out_auc=scores,
    )


def _key(extractor: Extractor, data: Data) -> str:
    told = hashlib.sha256(data.train.conditions.contiguous().numpy().data).hexdigest()
    code = code_behind(_key, type(extractor)).digest
    decides = json.dumps([definition(extractor), data.digest, told, code], sort_keys=True)
    return hashlib.sha256(decides.encode()).hexdigest()[:16]


def _forward_of(network: AttributeClassifier, shape: ImageShape) -> Forward:
    """The forward pass on images of any size and 1 or 3 channels, made into such as it was trained on."""
    folded = fold_batch_norm(network)

    def forward(images_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        features_BF, columns_BA = folded(scaled(_as_trained(images_BCHW, shape)))
        return features_BF, columns_BA

    return forward


def _as_trained(images_BCHW: Tensor, shape: ImageShape) -> Tensor:
    """Images with the channels and the size of the training images, still in [0, 255]."""
    if images_BCHW.shape[1] != shape.channels:
        rgb = to_rgb(images_BCHW).float()
        images_BCHW = rgb if shape.channels == 3 else rgb.mean(1, keepdim=True)
    if images_BCHW.shape[2:] == (shape.height, shape.width):
        return images_BCHW
    return F.interpolate(images_BCHW.float(), size=(shape.height, shape.width), mode="bilinear", antialias=True)
