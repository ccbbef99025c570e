"""A regressor of the attributes that conditional models are conditioned on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch.nn import functional as F

from vaegan_bench.api import Data, Progress
from vaegan_bench.metrics.extractors.attribute_network import AttributeNetwork, train_network
from vaegan_bench.metrics.extractors.learned_attributes import LearnedExtractor
from vaegan_bench.system.tensor_files import Scores


@dataclass(frozen=True, kw_only=True)
class Regressor(LearnedExtractor):
    """The attributes that models are conditioned on, by least squares (Larsen et al., 2016, §4.2).

    Scores where the data have them, else −1 and 1. The paper's regressor has nearly the encoder's architecture; this
    one is the oracle's network, with another cost.
    """

    name: ClassVar[str] = "regressor"

    def train(self, network: AttributeNetwork, data: Data, progress: Progress) -> Scores:
        """Train on standardised attributes, and give the last layer their units back; no scores."""
        device = network.head.weight.device
        images, conditions = (part.to(device) for part in (data.train.images_NCHW, data.train.conditions))
        mean_A, spread_A = conditions.mean(0), conditions.std(0).clamp(min=1e-6)
        wanted = (conditions - mean_A) / spread_A
        train_network(network, images, wanted, self.recipe, progress, F.mse_loss, "regressor training")
        with torch.no_grad():
            network.head.weight.mul_(spread_A[:, None])
            network.head.bias.mul_(spread_A).add_(mean_A)
        return {}
