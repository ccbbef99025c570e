"""The outputs of a trained model, each computed at most once and shared by all metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from vaegan_bench.api import (
    BenchError,
    Derive,
    Extractor,
    FeatureNetwork,
    Features,
    Posterior,
    Progress,
    Sampler,
    Source,
    Tokens,
    to_signed,
)
from vaegan_bench.evaluation.references import RealSource, References
from vaegan_bench.system.memo import memo
from vaegan_bench.system.randomness import derive_seed
from vaegan_bench.training.trained_model import TrainedModel

BATCH = 256
TRAIN = 10_000
"""The number of training images that are used: as many as Larsen et al. (2016) took for their attribute vectors."""


class ModelOutputs:
    """The outputs of one trained model; see `vaegan_bench.api.Outputs`."""

    def __init__(
        self,
        model: TrainedModel,
        references: References,
        n: int,
        seed: int,
        draw: int = 0,
        sampler: Sampler | None = None,
    ) -> None:
        """Measure on at most `n` held-out images and on `n` samples; `seed` is the run's.

        Codes come from `sampler` where there is one and the model has an encoder, and from the prior otherwise.
        """
        self.model, self.references, self.n, self.seed, self.sampler = model, references, n, seed, sampler
        self.data = references.data
        self.draw = draw
        self._first: ModelOutputs | None = None

    def redrawn(self, draw: int) -> ModelOutputs:
        """Outputs with other samples, which share all else that is computed; `draw` 0 has the first samples."""
        other = ModelOutputs(self.model, self.references, self.n, self.seed, draw, self.sampler)
        other._first = self.first
        return other

    @property
    def first(self) -> ModelOutputs:
        """The outputs that hold everything that does not depend on the draw."""
        return self._first or self

    @property
    def progress(self) -> Progress:
        """Called with the progress of long computations."""
        return self.references.progress

    @property
    def conditional(self) -> bool:
        """Whether the model decodes codes together with attributes."""
        return self.model.model.conditional

    @property
    def real(self) -> Tensor:
        """The held-out images."""
        return self.references.images("real", self.n)

    @property
    def train(self) -> Tensor:
        """The first training images."""
        return self.references.images("train", TRAIN)

    @property
    @memo
    def samples(self) -> Tensor:
        """Decoded draws from the prior, whose codes are equal for all models with this seed, or from the sampler."""
        return self.decode(self._codes(self.n, derive_seed(self.seed, "evaluation", self.draw)))

    def codes(self, n: int) -> Tensor:
        """Draws from the prior, or from the sampler, that are independent of those of `samples`."""
        return self._codes(n, derive_seed(self.seed, "evaluation", "prior"))

    @property
    def code_protocol(self) -> Mapping[str, str]:
        """The sampler, where there is one: also for a model without an encoder, beside which others have used it."""
        return {} if self.sampler is None else {"sampler": str(self.sampler)}

    def _codes(self, n: int, seed: int) -> Tensor:
        if self.sampler is None or self.train_posterior is None:
            return self.model.codes(n, seed)
        return self.sampler(self.train_posterior, n, torch.Generator().manual_seed(seed))

    @property
    def reconstructions(self) -> Tensor | None:
        """The held-out images through the posterior mean; None without an encoder."""
        return self.first._reconstruct()

    @property
    def posterior(self) -> Posterior | None:
        """q(z|x) of the held-out images; None without an encoder."""
        return self.first._encode("real")

    @property
    def means(self) -> Tensor | None:
        """Posterior means of the held-out images; None without an encoder."""
        return None if self.posterior is None else self.posterior.mu_BZ

    @property
    def tokens(self) -> Tokens | None:
        """The codebook index at each place of the held-out images' codes; None without a quantiser."""
        return self.first._tokens()

    @property
    def train_posterior(self) -> Posterior | None:
        """q(z|x) of the first training images; None without an encoder."""
        return self.first._encode("train")

    @property
    def train_means(self) -> Tensor | None:
        """Posterior means of the first training images; None without an encoder."""
        return None if self.train_posterior is None else self.train_posterior.mu_BZ

    def decode(self, z_NZ: Tensor, attributes_NA: Tensor | None = None) -> Tensor:
        """Images of codes; a conditional model decodes them by default with the attributes of the held-out images."""
        if attributes_NA is None and self.model.model.conditional:
            known = self.data.test.conditions[: len(self.real)]
            attributes_NA = known[torch.arange(len(z_NZ)) % len(known)]
        return self.model.images(z_NZ, attributes_NA, BATCH)

    def log_likelihood(self, x_NCHW: Tensor, z_NZ: Tensor, attributes_NA: Tensor | None = None) -> Tensor | None:
        """log p(x|z) of images in [-1, 1]; None without a likelihood of pixels."""
        return self.model.log_likelihood(x_NCHW, z_NZ, attributes_NA)

    def network(self, extractor: Extractor) -> FeatureNetwork:
        """The opened extractor, shared by all runs."""
        return self.references.network(extractor)

    def features(self, extractor: Extractor, source: Source) -> Features:
        """Features of one set of images, extracted once."""
        if source in ("real", "train"):
            n = len(self.real) if source == "real" else len(self.train)
            return self.references.features(extractor, source, n)
        return (self if source == "samples" else self.first)._extract(extractor.chosen_for(self.data), source)

    def reference(self, extractor: Extractor, derive: Derive, **parameters: int | float | str) -> Mapping[str, Tensor]:
        """The quantity that a metric derives from the features of the held-out images."""
        return self.references.reference(extractor, len(self.real), derive, parameters)

    @memo
    def _extract(self, extractor: Extractor, source: Source) -> Features:
        return self.network(extractor)(self._images(source), self.references.progress)

    def _images(self, source: Source) -> Tensor:
        images = self.samples if source == "samples" else self.reconstructions
        if images is None:
            raise BenchError(f"Model '{self.model.model.name}' has no {source}.")
        return images

    @memo
    def _reconstruct(self) -> Tensor | None:
        return None if self.means is None else self.decode(self.means)

    @memo
    def _encode(self, source: RealSource) -> Posterior | None:
        batches = list(self._batches(source))
        if not self.model.has_encoder or not batches:
            return None
        encoded = [self.model.encode(x_BCHW, attributes) for x_BCHW, attributes in batches]
        return Posterior(*(torch.cat(part).cpu() for part in zip(*encoded, strict=True)))

    @memo
    def _tokens(self) -> Tokens | None:
        codebook = self.model.codebook
        if codebook is None:
            return None
        found = [self.model.tokens(x_BCHW, attributes) for x_BCHW, attributes in self._batches("real")]
        known = [index_BP.cpu() for index_BP in found if index_BP is not None]
        return Tokens(torch.cat(known), codebook.entries) if known else None

    def _batches(self, source: RealSource) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches of images in [-1, 1] with their conditioning attributes."""
        images_NCHW, split = (self.real, self.data.test) if source == "real" else (self.train, self.data.train)
        if len(images_NCHW):
            given = split.conditions[: len(images_NCHW)].split(BATCH)
            for images_BCHW, attributes in zip(images_NCHW.split(BATCH), given, strict=True):
                yield to_signed(images_BCHW), attributes
