"""How good samples would be if the prior were a Gaussian that fits the codes of the training images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import torch

from vaegan_bench.api import Extractor, Measurement, Metric, Outputs
from vaegan_bench.metrics.extractors.native import Native
from vaegan_bench.metrics.features.sets import check_features, column, protocol_of
from vaegan_bench.metrics.samplers.gaussian import FittedGaussian
from vaegan_bench.metrics.samples.frechet import frechet_distance, moments_of_real

SEED = 2020


@dataclass(frozen=True, kw_only=True)
class FittedFrechet(Metric):
    """Fréchet distance of images decoded from a Gaussian fitted to training images' codes (Ghosh et al., 2020).

    'fitted-fid' on Inception's features, 'fitted-frechet[…]' on any other; lower is better. The
    amount by which it is below `frechet` is the cost of the gap between prior and aggregate posterior; the rest is due
    to the decoder. None for a model without an encoder.
    """

    name: ClassVar[str] = "fitted-frechet"
    family: ClassVar[str] = "sample quality"
    needs_model: ClassVar[bool] = True
    extractor_field: ClassVar[str] = "extractor"
    known_as: ClassVar[Mapping[str, str]] = {"fitted-fid": "fitted-frechet[extractor=inception]"}

    extractor: Extractor = field(default_factory=Native)

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        """Measure on as many images as there are samples; raises `BenchError` as `frechet` does, and for broken codes.

        A conditional model decodes with the attributes that its samples have.
        """
        if outputs.train_posterior is None:
            return []
        noise = torch.Generator().manual_seed(SEED)
        images_NCHW = outputs.decode(FittedGaussian()(outputs.train_posterior, len(outputs.samples), noise))
        network = outputs.network(self.extractor)
        fake_NF = check_features(network(images_NCHW, outputs.progress).features_NF, "samples")
        value = frechet_distance(moments_of_real(outputs, self.extractor, fake_NF), fake_NF)
        numbers = {"n_real": len(outputs.real), "n_fake": len(fake_NF), "n_train": len(outputs.train_posterior.mu_BZ)}
        protocol = {**protocol_of(outputs, self.extractor), **numbers, "seed": SEED}
        return [Measurement(column(self.name, outputs, self.extractor, "fitted-fid"), value, "lower", "1", protocol)]
