"""A classifier of the data's own attributes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from vaegan_bench.api import Data, Progress, to_signed
from vaegan_bench.metrics.extractors.attribute_network import AttributeNetwork, train_network
from vaegan_bench.metrics.extractors.attribute_scores import area_under_roc
from vaegan_bench.metrics.extractors.learned_attributes import LearnedExtractor
from vaegan_bench.system.device import exact_convolutions
from vaegan_bench.system.tensor_files import Scores

HELD_OUT = 0.1
"""The share of training images kept out of training, on which the reported AUC is measured."""


@dataclass(frozen=True, kw_only=True)
class Oracle(LearnedExtractor):
    """One logit per attribute of the data, from a small convolutional network trained on the training images.

    Features are its 128 penultimate activations. Test images play no part in its training.
    """

    name: ClassVar[str] = "oracle"

    def train(self, network: AttributeNetwork, data: Data, progress: Progress) -> Scores:
        """Train on nine tenths of the training images and score on the others: attribute → area under the ROC."""
        device = network.head.weight.device
        order = torch.randperm(len(data.train), generator=torch.Generator().manual_seed(self.seed))
        held_out, kept = order.tensor_split([int(HELD_OUT * len(order))])
        images, attributes = data.train.images_NCHW, data.train.attributes_NA
        train_network(network, images[kept].to(device), attributes[kept].to(device), self.recipe, progress)
        with torch.no_grad(), exact_convolutions():
            logits = [network(to_signed(part.to(device)))[1] for part in images[held_out].split(256)]
        auc = area_under_roc(torch.cat(logits), attributes[held_out])
        return dict(zip(data.attribute_names, auc.tolist(), strict=True))
