"""The outputs of a trained model, each computed at most once and shared by all metrics."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from vaegan_bench.api import (
    BenchError,
    Data,
    Extractor,
    FeatureNetwork,
    Features,
    Posterior,
    Progress,
    Source,
    definition,
    silent,
    to_signed,
)
from vaegan_bench.training.trained_model import TrainedModel

BATCH = 256
TRAIN_MEANS = 10_000
"""How many training pictures are encoded: as many as Larsen et al. (2016) took for their attribute vectors."""


class Shared:
    """What all runs on one data set share: opened extractors and the features of the real pictures."""

    def __init__(self, data: Data, cache: Path, device: torch.device, progress: Progress = silent) -> None:
        self.data, self.cache, self.device, self.progress = data, cache, device, progress
        self._networks: dict[str, FeatureNetwork] = {}
        self._real: dict[tuple[str, int], Features] = {}

    def network(self, extractor: Extractor) -> FeatureNetwork:
        """The extractor, opened at its first use."""
        key = str(definition(extractor))
        if key not in self._networks:
            self._networks[key] = extractor.open(self.data, self.cache, self.device, self.progress)
        return self._networks[key]

    def weights(self) -> dict[str, str]:
        """Extractor → a hash of its weights, of those that were opened."""
        return {key: network.digest for key, network in self._networks.items()}

    def real_features(self, extractor: Extractor, real_NCHW: Tensor) -> Features:
        """Features of the held-out pictures, the same for every run with as many of them."""
        key = (str(definition(extractor)), len(real_NCHW))
        if key not in self._real:
            self._real[key] = self.network(extractor)(real_NCHW, self.progress)
        return self._real[key]


class ModelOutputs:
    """What one trained model made; see `vaegan_bench.api.Outputs`."""

    def __init__(self, model: TrainedModel, shared: Shared, n: int, seed: int) -> None:
        """Measure on at most `n` held-out pictures and on `n` samples from codes drawn with `seed`."""
        self.model, self.shared, self.n, self.seed = model, shared, n, seed
        self.data = shared.data
        self._features: dict[tuple[str, Source], Features] = {}

    @property
    def real(self) -> Tensor:
        """The held-out pictures."""
        return self.data.test.images_NCHW[: self.n]

    @cached_property
    def samples(self) -> Tensor:
        """Decoded draws from the prior; the codes are equal for all models with this seed."""
        return self.decode(self.model.codes(self.n, self.seed))

    @cached_property
    def reconstructions(self) -> Tensor | None:
        """The held-out pictures through the posterior mean; None without an encoder."""
        return None if self.means is None else self.decode(self.means)

    @cached_property
    def posterior(self) -> Posterior | None:
        """q(z|x) of the held-out pictures; None without an encoder."""
        return self._encoded(self.real)

    @property
    def means(self) -> Tensor | None:
        """Posterior means of the held-out pictures; None without an encoder."""
        return None if self.posterior is None else self.posterior.mu_BZ

    @cached_property
    def train_means(self) -> Tensor | None:
        """Posterior means of the first training pictures; None without an encoder."""
        encoded = self._encoded(self.data.train.images_NCHW[:TRAIN_MEANS])
        return None if encoded is None else encoded.mu_BZ

    def decode(self, z_NZ: Tensor) -> Tensor:
        """Pictures of any codes."""
        return self.model.pictures(z_NZ, BATCH)

    def network(self, extractor: Extractor) -> FeatureNetwork:
        """The opened extractor, shared by all runs."""
        return self.shared.network(extractor)

    def features(self, extractor: Extractor, source: Source) -> Features:
        """Features of one set of pictures, extracted once."""
        if source == "real":
            return self.shared.real_features(extractor, self.real)
        key = (str(definition(extractor)), source)
        if key not in self._features:
            self._features[key] = self.network(extractor)(self._pictures(source), self.shared.progress)
        return self._features[key]

    def _pictures(self, source: Source) -> Tensor:
        pictures = self.samples if source == "samples" else self.reconstructions
        if pictures is None:
            raise BenchError(f"Model '{self.model.model.name}' has no {source}.")
        return pictures

    def _encoded(self, images_NCHW: Tensor) -> Posterior | None:
        if not self.model.has_encoder:
            return None
        encoded = [self.model.encode(to_signed(batch)) for batch in torch.split(images_NCHW, BATCH)]
        return Posterior(*(torch.cat(part).cpu() for part in zip(*encoded, strict=True)))
