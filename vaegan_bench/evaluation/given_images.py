"""Given images as outputs, without a model, so that any generator can be measured."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from vaegan_bench.api import BenchError, Data, Derive, Extractor, FeatureNetwork, Features, Progress, Source, Split
from vaegan_bench.evaluation.references import References
from vaegan_bench.system.memo import memo
from vaegan_bench.system.tensor_files import sha256_of_state

NO_MODEL = "This metric needs a trained model, which folders of images do not have."


class GivenImages:
    """Real images, and generated ones or reconstructions, without a model; see `vaegan_bench.api.Outputs`."""

    posterior = None
    means = None
    tokens = None
    train_posterior = None
    train_means = None

    def __init__(
        self,
        references: References,
        samples_NCHW: Tensor,
        reconstructions_NCHW: Tensor | None = None,
        n: int | None = None,
    ) -> None:
        """`references` holds the real images as its test part, of which the first `n`, or all, are compared.

        `samples_NCHW` is empty where reconstructions are measured.
        """
        self.references, self.data, self.n = references, references.data, n
        self.samples, self.reconstructions = samples_NCHW, reconstructions_NCHW

    @property
    def progress(self) -> Progress:
        """Called with the progress of long computations."""
        return self.references.progress

    @property
    def conditional(self) -> bool:
        """Always false: there is no model."""
        return False

    @property
    def real(self) -> Tensor:
        """The real images."""
        return self.data.test.images_NCHW[: self.n]

    @property
    def train(self) -> Tensor:
        """None for images from a folder; all training images where distorted images of a data set are measured."""
        return self.data.train.images_NCHW

    def codes(self, n: int) -> Tensor:
        """Refuse: there is no model."""
        raise BenchError(NO_MODEL)

    @property
    def code_protocol(self) -> Mapping[str, str]:
        """{}: it is not known what the images were made from."""
        return {}

    def decode(self, z_NZ: Tensor, attributes_NA: Tensor | None = None) -> Tensor:
        """Refuse: there is no decoder."""
        raise BenchError(NO_MODEL)

    def log_likelihood(self, x_NCHW: Tensor, z_NZ: Tensor, attributes_NA: Tensor | None = None) -> None:
        """None: there is no model."""

    def network(self, extractor: Extractor) -> FeatureNetwork:
        """The opened extractor."""
        return self.references.network(extractor)

    def features(self, extractor: Extractor, source: Source) -> Features:
        """Features of one set of images, extracted once."""
        if source == "real":
            return self.references.features(extractor, "real", len(self.real))
        images = {"samples": self.samples, "reconstructions": self.reconstructions}.get(source)
        if images is None:
            raise BenchError(f"Folders have no {source}.")
        return self._extract(extractor.chosen_for(self.data), images)

    @memo
    def _extract(self, extractor: Extractor, images_NCHW: Tensor) -> Features:
        return self.network(extractor)(images_NCHW, self.references.progress)

    def reference(self, extractor: Extractor, derive: Derive, **parameters: int | float | str) -> Mapping[str, Tensor]:
        """The quantity that a metric derives from the features of the real images."""
        return self.references.reference(extractor, len(self.real), derive, parameters)


def data_of(real_NCHW: Tensor) -> Data:
    """Real images without attributes, as the test part of data without a training part."""
    nothing, digest = torch.zeros(len(real_NCHW), 0, dtype=torch.bool), sha256_of_state({"images": real_NCHW})
    return Data(Split(real_NCHW[:0], nothing[:0]), Split(real_NCHW, nothing), digest=digest)
